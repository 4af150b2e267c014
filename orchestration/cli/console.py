"""How results look: one console for results, one for everything else, and words for numbers and times.

Results go to standard output, so that they can be piped; progress and errors go
to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from orchestration.cli.folding import Cell
from orchestration.failures import StrataError

_LOG_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
"""Pipes and logs have no width of their own; 100 columns show every table without a broken word."""

_READABLE_WIDTH, _GAP = 10, 2
"""How wide a column of data has to be, unless everything in it is shorter, and how far it is from the next."""

results = Console(highlight=False, width=_LOG_WIDTH)
errors = Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    """Print one JSON document, times in ISO 8601 and decimals as text."""
    results.out(json.dumps(document, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def say(text: str, style: str | None = None) -> None:
    """Print one line of prose among the results; in a pipe it stays one line."""
    results.print(Text(text), style=style, soft_wrap=not results.is_terminal)


def explain(text: str) -> None:
    """Print what explains a table, wrapped as the table is: in a pipe as well."""
    results.print(Text(text))


def warn(text: str) -> None:
    """Say on standard error what somebody should know, beside whatever the command prints."""
    errors.print(text, style="yellow", markup=False, soft_wrap=not errors.is_terminal)


def tell(error: StrataError) -> None:
    """Say on standard error what is wrong and what to do; in a log each is one line."""
    whole = not errors.is_terminal
    errors.print(error.message, style="bold red", markup=False, soft_wrap=whole)
    if error.remedy:
        errors.print(error.remedy, markup=False, soft_wrap=whole)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    numbers: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> None:
    """Print a table that wraps wide cells, paths between folders.

    ``numbers`` names columns that are aligned right, ``whole`` those that never wrap.
    """
    right, unbroken = set(numbers), set(whole)
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", pad_edge=False, box=None)
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        table.add_row(*(Cell(cell if isinstance(cell, Text) else Text(_cell(cell))) for cell in row))
    results.print(table)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows of data: as a table, or one after another where its columns would be too narrow to be read."""
    if _has_room(columns, rows):
        print_table(columns, rows)
        return
    for number, row in enumerate(rows, 1):
        print_table(("column", "value"), zip(columns, row, strict=True), title=f"Row {number:,} of {len(rows):,}")
        results.print()


def _has_room(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    if not rows:
        return True
    longest = (max(map(len, map(_cell, cells))) for cells in zip(columns, *rows, strict=True))
    return sum(min(width, _READABLE_WIDTH) + _GAP for width in longest) <= results.width


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def coloured(text: str, style: str) -> Text:
    """Return a cell in a colour; the words alone carry the meaning where there is none."""
    return Text(text, style=style)


def moment(value: datetime | str | None, zone: str) -> str:
    """Write an instant (UTC when it names no zone) in the platform's time zone, to the minute."""
    if not value:
        return ""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    with suppress(OverflowError):  # the first day there is has no evening before
        aware = aware.astimezone(ZoneInfo(zone))
    return f"{aware:%Y-%m-%d %H:%M}"


def ago(seconds: float) -> str:
    """Write a length of time by its largest unit: ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def parse_moment(text: str, zone: str) -> datetime:
    """Read a person's timestamp; without a zone it is in the platform's.

    Raises:
        ValueError: the text is no ISO 8601 timestamp.
    """
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone))
