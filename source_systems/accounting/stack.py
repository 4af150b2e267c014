"""One file of DATEV's Buchungsstapel (EXTF): its header, its columns by position, its booking lines.

Positions count, not titles, which writers spell differently; a title is looked at only to notice that a
column is missing. Nothing is guessed: what does not have DATEV's form is handed on as it was written,
with a note, and the contract refuses that row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from source_systems.accounting.folder import ReceivedFile

_AMOUNT = re.compile(r"\d{1,12},\d{1,2}")
_RATE = re.compile(r"\d{1,9},\d{1,8}")
_POSTINGS = "21"
_REMEDY = "Export the Buchungsstapel again in DATEV's format (EXTF), formats 7 to 13."
COLUMNS = {
    "amount": (1, "umsatz"),
    "side": (2, "soll"),
    "currency": (3, "wkzumsatz"),
    "exchange_rate": (4, "kurs"),
    "base_amount": (5, "basisumsatz"),
    "base_currency": (6, "wkzbasis"),
    "account": (7, "konto"),
    "contra_account": (8, "gegenkonto"),
    "tax_key": (9, "bu"),
    "posted_on": (10, "belegdatum"),
    "document_number": (11, "belegfeld1"),
    "posting_text": (14, "buchungstext"),
    "cost_center": (37, "kost1"),
    "is_reversal": (118, "generalumkehr"),
}
"""The columns that a posting is made of: position from 1, and how the title begins, in letters and digits alone."""
_MAY_LACK = {"is_reversal"}
"""Columns that older versions of the format have not."""
OWN = ("batch", "row_number", "file_name", "period_from", "period_to", "chart", "account_length")


@dataclass(frozen=True)
class Stack:
    """A file taken apart; ``exported`` is its moment of export, as text that sorts."""

    file: ReceivedFile
    header: tuple[str, ...]
    titles: tuple[str, ...]
    exported: str
    period: tuple[date, date]

    @property
    def batch(self) -> str:
        """What a later export of the same stack has in common with this one."""
        since, until = self.period
        client = f"{self._field(11)}/{self._field(12)}"
        return f"{client} {since:%Y%m%d}-{until:%Y%m%d} {self._field(17)}".strip()

    def present(self) -> set[str]:
        """Return the posting's columns that the file has."""
        return {name for name, (position, start) in COLUMNS.items() if self._has(name, position, start)} | set(OWN)

    def rows(self) -> Iterator[list[str]]:
        """Yield the lines: our columns (:data:`OWN`, then :data:`COLUMNS`), and after them all that was sent."""
        reader = csv.reader(io.StringIO(self.file.cp1252(), newline=""), delimiter=";")
        for line in reader:
            number = reader.line_num
            if number > 2 and line:
                since, until = (day.isoformat() for day in self.period)
                chart = f"SKR{self._field(27)}" if self._field(27) else ""
                own = [self.batch, str(number), self.file.name, since, until, chart, str(self._account_length)]
                yield [*own, *self._posting(line), *line]

    def _posting(self, line: Sequence[str]) -> list[str]:
        texts = {name: _at(line, position) for name, (position, _) in COLUMNS.items()}
        texts["amount"] = decimal_point(texts["amount"], _AMOUNT)
        texts["base_amount"] = decimal_point(texts["base_amount"], _AMOUNT)
        texts["exchange_rate"] = decimal_point(texts["exchange_rate"], _RATE)
        texts["currency"] = texts["currency"] or self._field(22) or "EUR"
        texts["base_currency"] = texts["base_currency"] or self._field(22) or "EUR"
        texts["side"] = texts["side"] or "S"
        texts["posted_on"] = document_date(texts["posted_on"], self.period)
        texts["is_reversal"] = "true" if texts["is_reversal"].upper() in ("1", "G") else "false"
        for name in ("account", "contra_account"):
            texts[name] = texts[name].zfill(self._account_length) if texts[name] else ""
        return list(texts.values())

    def _has(self, name: str, position: int, start: str) -> bool:
        title = re.sub(r"[^a-z0-9]", "", _at(self.titles, position).lower())
        return title.startswith(start) or (name in _MAY_LACK and len(self.titles) < position)

    @property
    def _account_length(self) -> int:
        return int(self._field(14) or 4)

    def _field(self, position: int) -> str:
        return _at(self.header, position)


def read_stack(file: ReceivedFile) -> Stack:
    """Take a file apart.

    Raises:
        SchemaDrift: it is no Buchungsstapel, or its header lacks the period.
    """
    lines = csv.reader(io.StringIO(file.cp1252(), newline=""), delimiter=";")
    header, titles = tuple(next(lines, ())), tuple(next(lines, ()))
    if _at(header, 1) not in ("EXTF", "DTVF") or _at(header, 3) != _POSTINGS:
        raise file.drift("its first line is no header of a Buchungsstapel (EXTF, category 21).", _REMEDY)
    try:
        since, until = (datetime.strptime(_at(header, place), "%Y%m%d").date() for place in (15, 16))  # noqa: DTZ007
    except ValueError:
        raise file.drift("its header has no period (fields 15 and 16).", _REMEDY) from None
    if not re.fullmatch(r"\d{14,17}", _at(header, 6)):
        raise file.drift("its header does not say when it was exported (field 6).", _REMEDY)
    if _at(header, 14) not in ("", *"45678"):
        raise file.drift("its header has no length of accounts from 4 to 8 (field 14).", _REMEDY)
    return Stack(file, header, titles, _at(header, 6).ljust(17, "0"), (since, until))


def newest(stacks: Sequence[Stack]) -> list[Stack]:
    """Return the newest export of each stack, in the order of their names; copies of a file count once.

    Raises:
        SchemaDrift: two exports of a stack claim the same moment and differ.
    """
    found: dict[str, Stack] = {}
    for stack in stacks:
        other = found.get(stack.batch)
        if other and other.exported == stack.exported and other.file.body != stack.file.body:
            what = f"it and {other.file.name} were exported at the same moment and differ."
            raise stack.file.drift(what, "Take the wrong one out of the folder.")
        if other is None or stack.exported > other.exported:
            found[stack.batch] = stack
    return sorted(found.values(), key=lambda stack: (stack.batch, stack.file.name))


def decimal_point(text: str, form: re.Pattern[str]) -> str:
    """Write a German number with a decimal point; anything else stays as it is, and is no number any more."""
    if not text or form.fullmatch(text):
        return text.replace(",", ".")
    return f"{text} (not in DATEV's form)"


def document_date(text: str, period: tuple[date, date]) -> str:
    """Return a date written as day and month, with the one year that puts it into the period.

    None or two such years leave it as it is, and then it is no date.
    """
    digits = text.zfill(4)
    fitting = []
    for year in range(period[0].year, period[1].year + 1):
        try:
            day = date(year, int(digits[2:]), int(digits[:2]))
        except ValueError:
            continue
        if period[0] <= day <= period[1]:
            fitting.append(day)
    return fitting[0].isoformat() if len(fitting) == 1 else f"{text} (no day of the stack's period)"


def _at(fields: Sequence[str], position: int) -> str:
    return fields[position - 1].strip() if len(fields) >= position else ""
