"""Compares two tables, A's and B's: columns, rows by key, totals of numbers.

The key are the fewest leading columns that are unique on both sides, amounts apart. Rows without one are
compared as wholes: a changed row is then one that only A has and one that only B has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.names import Table, qualified, quote
from orchestration.scripts.review.summary import is_added_up
from orchestration.scripts.review.table_difference import ChangedRow, TableDifference
from orchestration.scripts.types import Columns, SqlType


@dataclass(frozen=True)
class Built:
    """One side's table: the schema it lies in, and its columns."""

    schema: str
    columns: Columns


def compare(
    con: duckdb.DuckDBPyConnection, table: Table, a: Built | None, b: Built | None, limit: int
) -> TableDifference:
    """Compare one table of both sides; up to ``limit`` rows of each kind are shown."""
    if a is None or b is None:
        return _one_sided(con, table, a, b)
    return _Comparison(con, table, a, b, limit).made()


def _one_sided(con: duckdb.DuckDBPyConnection, table: Table, a: Built | None, b: Built | None) -> TableDifference:
    rows_a, rows_b = (_rows(con, qualified((side.schema, table[1]))) if side else None for side in (a, b))
    gone, new = ({name: kind.tsql for name, kind in side.columns.items()} if side else {} for side in (a, b))
    return TableDifference(table, rows_a, rows_b, columns_added=new, columns_removed=gone)


def _rows(con: duckdb.DuckDBPyConnection, place: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM {place}").fetchall()[0][0])


@dataclass(frozen=True)
class _Pair:
    """A column that both have; ``a`` and ``b`` are its names, and the SQL of its values is comparable."""

    a: str
    b: str
    kind_a: SqlType
    kind_b: SqlType

    @property
    def is_amount(self) -> bool:
        return any(kind.name == "decimal" or kind.is_money or kind.is_float for kind in (self.kind_a, self.kind_b))

    def value(self, side: str) -> str:
        """Return what a side's value is compared as; of two types, numbers without trailing zeros, else text."""
        column = f"{side}.{quote(self.a if side == 'a' else self.b)}"
        if self.kind_a.duckdb == self.kind_b.duckdb:
            return column
        text = f"CAST({column} AS VARCHAR)"
        if not (self.kind_a.is_number and self.kind_b.is_number):
            return text
        return f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"


class _Comparison:
    def __init__(self, con: duckdb.DuckDBPyConnection, table: Table, a: Built, b: Built, limit: int) -> None:
        self._con, self._table, self._limit, self._sides = con, table, limit, (a, b)
        self._a, self._b = qualified((a.schema, table[1])), qualified((b.schema, table[1]))
        spelled = {name.lower(): name for name in a.columns}
        self._pairs = [
            _Pair(spelled[name.lower()], name, a.columns[spelled[name.lower()]], kind)
            for name, kind in b.columns.items()
            if name.lower() in spelled
        ]

    def made(self) -> TableDifference:
        a, b = self._sides
        key = self._key()
        kept = {pair.b.lower() for pair in self._pairs}
        retyped = {p.b: (p.kind_a.tsql, p.kind_b.tsql) for p in self._pairs if p.kind_a.tsql != p.kind_b.tsql}
        return TableDifference(
            self._table, _rows(self._con, self._a), _rows(self._con, self._b),
            columns_added={name: kind.tsql for name, kind in b.columns.items() if name.lower() not in kept},
            columns_removed={name: kind.tsql for name, kind in a.columns.items() if name.lower() not in kept},
            columns_retyped=retyped, key=[pair.b for pair in key], totals=self._totals(),
            **(self._by_key(key) if key else self._as_wholes()),
        )  # fmt: skip

    def _key(self) -> list[_Pair]:
        """Return the fewest leading columns that are unique, less those without which they still are."""
        candidates = [pair for pair in self._pairs if not pair.is_amount]
        for count in range(1, len(candidates) + 1):
            if self._tells_apart(candidates[:count]):
                chosen = candidates[:count]
                for pair in reversed(candidates[: count - 1]):
                    fewer = [item for item in chosen if item is not pair]
                    chosen = fewer if self._tells_apart(fewer) else chosen
                return chosen
        return []

    def _tells_apart(self, pairs: Sequence[_Pair]) -> bool:
        fewer = 0 < len(pairs) < len(self._pairs)
        return fewer and self._is_unique(self._a, "a", pairs) and self._is_unique(self._b, "b", pairs)

    def _is_unique(self, place: str, side: str, pairs: Sequence[_Pair]) -> bool:
        listed = ", ".join(pair.value(side) for pair in pairs)
        sql = f"SELECT (SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {place} {side})) = count(*) FROM {place}"
        return bool(self._con.execute(sql).fetchall()[0][0])

    def _by_key(self, key: list[_Pair]) -> dict[str, Any]:
        on = " AND ".join(f"{pair.value('a')} IS NOT DISTINCT FROM {pair.value('b')}" for pair in key)
        rest = [pair for pair in self._pairs if pair not in key]
        counts, changed = self._changed(key, rest, on)
        found: dict[str, Any] = {"changed": counts[0], "sample_changed": changed}
        found["columns_changed"] = {p.b: n for p, n in zip(rest, counts[1:], strict=True) if n}
        for side, other in (("a", "b"), ("b", "a")):
            source = f"{self._place(side)} {side} ANTI JOIN {self._place(other)} {other} ON {on}"
            found[f"only_{side}"] = _rows(self._con, source)
            found[f"sample_{side}"] = self._sample(f"SELECT {self._listed(side)} FROM {source}")
        return found

    def _changed(self, key: list[_Pair], rest: list[_Pair], on: str) -> tuple[list[int], list[ChangedRow]]:
        """Return how many rows changed, how many in each column, and some of them."""
        unlike = [f"{pair.value('a')} IS DISTINCT FROM {pair.value('b')}" for pair in rest]
        joined = f"FROM {self._a} a JOIN {self._b} b ON {on} WHERE {' OR '.join(unlike) or 'false'}"
        counted = "".join(f", count(*) FILTER ({test})" for test in unlike)
        counts = [int(n) for n in self._con.execute(f"SELECT count(*){counted} {joined}").fetchall()[0]]
        columns = [f"b.{quote(pair.b)}" for pair in key]
        columns += [
            item for p, t in zip(rest, unlike, strict=True) for item in (t, f"a.{quote(p.a)}", f"b.{quote(p.b)}")
        ]
        listed = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(columns))
        rows = self._con.execute(f"SELECT {listed} {joined} ORDER BY ALL LIMIT {self._limit}").fetchall()
        return counts, [_changed_row(row, key, rest) for row in rows]

    def _as_wholes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for side, other in (("a", "b"), ("b", "a")):
            source = f"({self._comparable(side)} EXCEPT ALL {self._comparable(other)})"
            found[f"only_{side}"] = _rows(self._con, source)
            found[f"sample_{side}"] = self._sample(f"FROM {source}")
        return found

    def _comparable(self, side: str) -> str:
        values = ", ".join(f"{pair.value(side)} AS {quote(pair.b)}" for pair in self._pairs)
        return f"SELECT {values or 'NULL'} FROM {self._place(side)} {side}"

    def _sample(self, query: str) -> list[dict[str, object]]:
        rows = self._con.execute(f"FROM ({query}) ORDER BY ALL LIMIT {self._limit}").fetchall()
        return [dict(zip((pair.b for pair in self._pairs), row, strict=False)) for row in rows]

    def _listed(self, side: str) -> str:
        return ", ".join(
            f"{side}.{quote(pair.a if side == 'a' else pair.b)} AS {quote(pair.b)}" for pair in self._pairs
        )

    def _place(self, side: str) -> str:
        return self._a if side == "a" else self._b

    def _totals(self) -> dict[str, tuple[Any, Any]]:
        pairs = [p for p in self._pairs if is_added_up(p.b, p.kind_b) and p.kind_a.is_number]
        if not pairs:
            return {}
        sums = [
            self._con.execute(f"SELECT {', '.join(f'sum({quote(name)})' for name in names)} FROM {place}").fetchall()[0]
            for place, names in ((self._a, [p.a for p in pairs]), (self._b, [p.b for p in pairs]))
        ]
        return {pair.b: both for pair, both in zip(pairs, zip(*sums, strict=True), strict=True)}


def _changed_row(row: Sequence[Any], key: Sequence[_Pair], rest: Sequence[_Pair]) -> ChangedRow:
    values = row[len(key) :]
    triples = zip(rest, values[::3], values[1::3], values[2::3], strict=True)
    changed = {pair.b: (a, b) for pair, is_unlike, a, b in triples if is_unlike}
    return ChangedRow(dict(zip((pair.b for pair in key), row, strict=False)), changed)
