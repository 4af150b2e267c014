"""Checks what a translation assumes of stored text, and finds the first value for which it does not hold."""

from __future__ import annotations

from orchestration.names import literal, quote
from orchestration.scripts.binding.scope import Assumption
from orchestration.scripts.translation.macros import CONSTANT_CLASS, EQUAL_CLASS, ORDER_CLASS

_WHY = {
    "equal": "has a blank at its end, or a letter that SQL Server compares in its own way",
    "constant": "has a blank at its end, or a character that SQL Server may ignore",
    "order": "are sorted by signs or accents, which SQL Server sorts in its own way",
}


def assumption_query(assumption: Assumption, table: str) -> str:
    """Return DuckDB text that selects one complaint where the assumption does not hold, and nothing where it does.

    ``table`` is the table's name in DuckDB, quoted.
    """
    column = quote(assumption.column)
    shown = assumption.table if isinstance(assumption.table, str) else ".".join(assumption.table)
    where = literal(f" in {shown}.{assumption.column} {_WHY[assumption.kind]}")
    if assumption.kind == "order":
        return _unordered(column, table, where)
    pattern = literal(EQUAL_CLASS if assumption.kind == "equal" else CONSTANT_CLASS)
    return (
        f"SELECT concat('''', {column}, '''', {where}) FROM {table} "
        f"WHERE NOT regexp_full_match({column}, {pattern}, 's') OR ends_with({column}, ' ') LIMIT 1"
    )


def _unordered(column: str, table: str, where: str) -> str:
    """Look at neighbours: where each two first differ in a letter, a digit, a blank or the end, all sort alike."""
    plain = literal(ORDER_CLASS)
    place = "list_position(list_transform(range(1, greatest(length(a), length(b)) + 1), lambda i: a[i] <> b[i]), true)"
    letter = "'[0-9a-z ]?'"
    return (
        f"WITH v AS (SELECT DISTINCT lower({column}) AS a FROM {table} WHERE {column} IS NOT NULL), "
        "n AS (SELECT a, lead(a) OVER (ORDER BY a) AS b FROM v), "
        f"d AS (SELECT a, b, {place} AS p FROM n WHERE b IS NOT NULL "
        f"AND NOT (regexp_full_match(a, {plain}) AND regexp_full_match(b, {plain}))) "
        f"SELECT concat('''', a, ''' and ''', b, '''', {where}) FROM d "
        f"WHERE NOT regexp_full_match(a[p], {letter}) OR NOT regexp_full_match(b[p], {letter}) LIMIT 1"
    )
