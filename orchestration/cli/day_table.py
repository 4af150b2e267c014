"""The table that ``strata run`` ends with, and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.cli.console import coloured, explain, print_table
from orchestration.cli.day_summary import Line

_NUMBERS = ("read", "rows", "inserted", "updated", "unchanged", "deleted", "rejected", "s")
_MEANING = (
    "read: rows from the source, all loads of the day (= inserted + updated + unchanged + rejected); rows: in the "
    "table now, of bronze those not deleted. Published tables: differences to the version before; one without a key "
    "(finance) has a changed row as one deleted and one inserted. They are summed over the day's versions, unchanged "
    "only where there is one."
)


def print_day(lines: Iterable[Line]) -> None:
    """Print a block for each layer, its name in a line of its own, so that long table names keep theirs whole."""
    rows: list[tuple[object, ...]] = []
    layer = ""
    for line in lines:
        if line.layer != layer:
            layer = line.layer
            rows.append((coloured(layer, "bold"), *("" for _ in _NUMBERS)))
        seconds = "" if line.seconds is None else f"{line.seconds:.1f}"
        counts = (line.read, line.rows, line.inserted, line.updated, line.unchanged, line.deleted, line.rejected)
        rows.append((f"  {line.table}", *counts, seconds))
    print_table(("layer and table", *_NUMBERS), rows, numbers=_NUMBERS)
    explain(_MEANING)
