"""How many rows tables have, for the assets that stand for them: one query for all."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestration import names
from orchestration.failures import StrataError

if TYPE_CHECKING:
    from orchestration.runtime import Runtime


def row_counts(runtime: Runtime, tables: Collection[names.Table], where: str = "1 = 1") -> dict[names.Table, int]:
    """Return the number of rows of each table, or of those rows for which ``where`` holds.

    Nothing is counted where the warehouse cannot be read, as while somebody else keeps it for long: what was loaded or
    built is so all the same.
    """
    listed = sorted(tables)
    parts = [
        f"SELECT {number}, count(*) FROM {names.qualified(table)} WHERE {where}" for number, table in enumerate(listed)
    ]
    if not parts:
        return {}
    with suppress(StrataError), runtime.warehouse.reading("row counts for Dagster") as session:
        return {listed[int(number)]: int(count) for number, count in session.execute(" UNION ALL ".join(parts), [])}
    return {}
