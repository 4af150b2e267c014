"""Exact records of a CSV part whose quotes, line ends or encoding are broken somewhere.

A record that is not well-formed costs itself, not what follows: reading goes on with
the next line. A quote that is never closed would otherwise swallow the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.contracts.model import Column
from orchestration.quality.rows.csv_parts import read_header
from orchestration.quality.rows.exact import RECORD_BYTES, ExactRecord, as_shown, open_lines
from orchestration.quality.rows.judgement import Reason

_MOST_LINES = 1000


def csv_records(
    path: Path, key: str, columns: Sequence[Column], delimiter: str, unknown: Collection[str]
) -> Iterator[ExactRecord]:
    """Yield the records of a part.

    Raises:
        SchemaDrift: the header lacks a column.
    """
    header = read_header(path, delimiter)
    splitter = _Splitter(delimiter, len(header.names), header.positions(columns, unknown, key))
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
        pending: list[bytes] = []
        while True:
            line = waiting.popleft() if waiting else next(source, b"")
            if not pending and b'"' not in line:
                if not line:
                    return
                if line.strip(b"\r\n"):
                    yield _bare(line), True
                continue
            pending.append(line)
            state = self._state(b"".join(pending), at_end=not line, lines=len(pending))
            if state == "open":
                continue
            if state == "whole":
                yield _bare(b"".join(pending)), True
            else:
                yield _bare(pending[0]), False
                waiting.extendleft(reversed([later for later in pending[1:] if later]))
            pending = []

    def record(self, content: bytes) -> ExactRecord:
        """Take a well-formed record apart."""
        # Bytes that are no UTF-8 become lone surrogates, so that only their own column suffers.
        text = content.decode("utf-8", "surrogateescape")
        (fields,) = (
            csv.reader([text], delimiter=self.delimiter, strict=True) if '"' in text else (text.split(self.delimiter),)
        )
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

    def _state(self, candidate: bytes, *, at_end: bool, lines: int) -> str:
        """Say whether lines are a ``whole`` record, the beginning of one (``open``), or ``broken``."""
        if candidate.count(b'"') % 2:
            too_long = lines > _MOST_LINES or len(candidate) > RECORD_BYTES
            return "broken" if at_end or too_long else "open"
        text = _bare(candidate).decode("utf-8", "surrogateescape")
        if not re.fullmatch(self._grammar, text):
            return "broken"
        if lines == 1:
            return "whole"
        return "whole" if len(next(csv.reader([text], delimiter=self.delimiter))) == self.width else "broken"

    @property
    def _grammar(self) -> str:
        d = re.escape(self.delimiter)
        value = rf'(?:[^{d}"\r\n]*|"(?:[^"]|"")*")'
        return rf"{value}(?:{d}{value})*"


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _is_utf8(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)
