"""Exact records of a CSV part whose quotes, line ends or encoding are broken somewhere.

A record that is not well-formed costs itself, not what follows: a quote that is never
closed would otherwise swallow the rest of the file. So reading goes on with the next line,
unless that is part of the same record: lines of a quoted value are never taken for rows.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from orchestration.contracts.model import Column
from orchestration.landing.csv_header import read_header
from orchestration.landing.lines import RECORD_BYTES
from orchestration.quality.rows.exact import ExactRecord, as_shown, open_lines
from orchestration.quality.rows.judgement import Reason


def csv_records(
    path: Path, place: str, columns: Sequence[Column], delimiter: str, unknown: Collection[str]
) -> Iterator[ExactRecord]:
    """Yield the records of a part.

    Raises:
        SchemaDrift: the header lacks a column.
    """
    header = read_header(path, delimiter)
    splitter = _Splitter(delimiter, len(header.names), header.positions(columns, unknown, place))
    with open_lines(path) as lines:
        next(lines)
        for content, whole in splitter.split(lines):
            if len(content) > RECORD_BYTES:
                yield ExactRecord(fault=Reason.LINE_TOO_LONG, raw=as_shown(content[:1000]))
            else:
                yield splitter.record(content) if whole else ExactRecord(fault=Reason.QUOTE, raw=as_shown(content))


@dataclass(frozen=True)
class _Splitter:
    """Takes a file apart; ``width`` is its number of columns."""

    delimiter: str
    width: int
    positions: dict[str, int]

    def split(self, lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Yield records and whether each is well-formed; one may span lines, if its quotes say so."""
        source = iter(lines)
        waiting: deque[bytes] = deque()
        pending = _Pending()
        while True:
            line = waiting.popleft() if waiting else next(source, b"")
            if not pending.lines and b'"' not in line:
                if not line:
                    return
                if line.strip(b"\r\n"):
                    yield _bare(line), True
                continue
            pending.add(line)
            if pending.is_open and line and pending.size <= RECORD_BYTES:
                continue
            content = _bare(b"".join(pending.lines))
            if not pending.is_open and self._is_whole(content, lines=len(pending.lines)):
                yield content, True
            elif not pending.is_open and self._is_one_record(pending.lines):
                yield content, False
            else:
                yield _bare(pending.lines[0]), False
                waiting.extendleft(reversed([later for later in pending.lines[1:] if later]))
            pending = _Pending()

    def record(self, content: bytes) -> ExactRecord:
        """Take a well-formed record apart."""
        # Bytes that are no UTF-8 become lone surrogates, so that only their own column suffers.
        text = content.decode("utf-8", "surrogateescape")
        fields = self._fields(text)
        if len(fields) != self.width:
            return ExactRecord(fault=Reason.COLUMN_COUNT, raw=as_shown(content))
        record = ExactRecord()
        for name, position in self.positions.items():
            value = fields[position]
            if not value.isascii() and not _is_utf8(value):
                record.texts[name] = None
                shown = as_shown(value.encode("utf-8", "surrogateescape"))
                record.fault, record.column, record.raw = Reason.INVALID_UTF8, name, shown
            else:
                record.texts[name] = value or None
        return record

    def _fields(self, text: str) -> list[str]:
        if '"' not in text:
            return text.split(self.delimiter)
        return [quoted.replace('""', '"') or bare for quoted, bare in self._values.findall(text)]

    def _is_whole(self, content: bytes, *, lines: int) -> bool:
        """Say whether the quotes of a record are as they should be, and of one that spans lines the columns too."""
        text = content.decode("utf-8", "surrogateescape")
        return bool(self._grammar.fullmatch(text)) and (lines == 1 or len(self._fields(text)) == self.width)

    def _is_one_record(self, lines: Sequence[bytes]) -> bool:
        """Say of lines between two quotes whether they are one broken record.

        They are rows of their own where the first and the last have all columns: then both quotes are astray.
        """
        return any(line.count(self.delimiter.encode()) + 1 < self.width for line in (lines[0], lines[-1]))

    @cached_property
    def _grammar(self) -> re.Pattern[str]:
        d = re.escape(self.delimiter)
        value = rf'(?:[^{d}"\n]*|"[^"]*(?:""[^"]*)*")'
        return re.compile(rf"{value}(?:{d}{value})*")

    @cached_property
    def _values(self) -> re.Pattern[str]:
        """What :attr:`_grammar` matched, value by value: within quotes, or else bare."""
        d = re.escape(self.delimiter)
        return re.compile(rf'(?:\A|{d})(?:"([^"]*(?:""[^"]*)*)"|([^{d}"]*))')


class _Pending:
    """Lines of a record that is not complete yet."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self.is_open = False

    def add(self, line: bytes) -> None:
        """Append a line; every quote in it opens or closes the value."""
        self.lines.append(line)
        self.size += len(line)
        self.is_open ^= bool(line.count(b'"') % 2)


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _is_utf8(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)
