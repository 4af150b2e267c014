"""Keys that go to the server as one parameter, a JSON array of arrays, and how a table's rows are matched with them."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.warehouse.sqlserver.quoting import bracketed
from orchestration.warehouse.sqlserver.types import as_key, key_type


def matched(row: str, key: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the keys as a source ``j`` with one parameter, and the condition that ``row`` has one of them.

    ``key`` are the columns' names and types in DuckDB's words, in the order of the arrays.
    """
    shape = ", ".join(f"[k{number}] {key_type(kind)} '$[{number}]'" for number, (_, kind) in enumerate(key))
    same = " AND ".join(
        f"{row}.{bracketed(name)} = {as_key(f'j.[k{number}]', kind)}" for number, (name, kind) in enumerate(key)
    )
    return f"OPENJSON(?) WITH ({shape}) j", same
