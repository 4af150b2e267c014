"""Compares tables of two warehouses row for row, with tolerances by type: the proof that engines give the same rows.

Numbers of floating point are equal to a part in a billion (without a key: in nine digits); everything else is equal
or different: decimals by value, instants to the microsecond, text to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.names import Table, quote

TOLERANCE = 1e-9
"""Of floating point, as a part of the larger value, or of 1 where both are smaller."""
_FLOATS = {"FLOAT", "DOUBLE"}
_NUMBERS = ("DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", *_FLOATS)


@dataclass(frozen=True)
class Side:
    """A table on one side: SQL that goes after FROM, and its columns with their DuckDB types."""

    relation: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """One value that differs; ``column`` is empty where one side lacks the row, ``None`` is a value that is missing."""

    key: str
    column: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Compared:
    """One table: its rows on both sides, how many of them differ, and the first differences.

    ``fault`` says what kept its rows from being compared.
    """

    table: Table
    left_rows: int
    right_rows: int
    rows_that_differ: int = 0
    differences: tuple[Difference, ...] = ()
    fault: str = ""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.fault and not self.rows_that_differ


def compare(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    sides: tuple[Side, Side],
    key: Sequence[str],
    *,
    ignored: Sequence[str] = (),
    most: int = 20,
) -> Compared:
    """Compare two sides of a table; without a ``key`` a row is told by all its values.

    ``ignored`` columns are left out, ``most`` bounds the rows whose differences are shown.
    """
    left, right = ([name for name in side.columns if name not in ignored] for side in sides)
    counts = _count(con, sides[0]), _count(con, sides[1])
    if alone := sorted({*left} ^ {*right}):
        return Compared(table, *counts, fault=f"only one side has the columns {', '.join(alone)}")
    key = [name for name in key if name in left]
    find = _by_key if key else _by_content
    total, found = find(con, sides, left, key, most)
    return Compared(table, *counts, total, tuple(found))


def _count(con: duckdb.DuckDBPyConnection, side: Side) -> int:
    ((rows,),) = con.execute(f"SELECT count(*) FROM {side.relation}").fetchall()
    return int(rows)


def _by_key(
    con: duckdb.DuckDBPyConnection, sides: tuple[Side, Side], columns: list[str], key: Sequence[str], most: int
) -> tuple[int, list[Difference]]:
    left, right = (f"(SELECT *, true AS strata_there FROM {side.relation})" for side in sides)
    same = [_same(name, *(side.columns[name] for side in sides)) for name in columns]
    on = " AND ".join(f"l.{quote(name)} IS NOT DISTINCT FROM r.{quote(name)}" for name in key)
    shown = ", ".join(f"coalesce(CAST(coalesce(l.{quote(n)}, r.{quote(n)}) AS VARCHAR), 'NULL')" for n in key)
    cells = ", ".join(
        f"({test}), CAST(l.{quote(name)} AS VARCHAR), CAST(r.{quote(name)} AS VARCHAR)"
        for name, test in zip(columns, same, strict=True)
    )
    rows = con.execute(
        f"SELECT count(*) OVER (), concat_ws(' | ', {shown}) AS strata_key, l.strata_there, r.strata_there, {cells} "
        f"FROM {left} l FULL JOIN {right} r ON {on} WHERE l.strata_there IS NULL OR r.strata_there IS NULL "
        f"OR NOT ({' AND '.join(f'({test})' for test in same)}) ORDER BY strata_key LIMIT {most}"
    ).fetchall()
    return (int(rows[0][0]) if rows else 0), [difference for row in rows for difference in _cells(row, columns)]


def _cells(row: Sequence[object], columns: Sequence[str]) -> Iterator[Difference]:
    _, key, on_left, on_right, *cells = row
    if not (on_left and on_right):
        yield Difference(str(key), "", "there" if on_left else None, "there" if on_right else None)
        return
    for number, name in enumerate(columns):
        is_same, left, right = cells[number * 3 : number * 3 + 3]
        if not is_same:
            yield Difference(str(key), name, _text(left), _text(right))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _by_content(
    con: duckdb.DuckDBPyConnection, sides: tuple[Side, Side], columns: list[str], _: Sequence[str], most: int
) -> tuple[int, list[Difference]]:
    listed = [
        ", ".join(f"{_plain(name, *(one.columns[name] for one in sides))} AS {quote(name)}" for name in columns)
        for _ in sides
    ]
    both = " UNION ALL ".join(
        f"SELECT {values}, {way} AS strata_way FROM {side.relation}"
        for side, values, way in zip(sides, listed, ("1", "-1"), strict=True)
    )
    names = ", ".join(map(quote, columns))
    shown = ", ".join(f"coalesce(CAST({quote(name)} AS VARCHAR), 'NULL')" for name in columns)
    rows = con.execute(
        f"SELECT sum(abs(strata_times)) OVER (), concat_ws(' | ', {shown}) AS strata_key, strata_times FROM "
        f"(SELECT {names}, sum(strata_way) AS strata_times FROM ({both}) GROUP BY {names}) "
        f"WHERE strata_times <> 0 ORDER BY strata_key LIMIT {most}"
    ).fetchall()
    found = [
        Difference(str(key), "", f"{times} times" if times > 0 else None, f"{-times} times" if times < 0 else None)
        for _, key, times in rows
    ]
    return (int(rows[0][0]) if rows else 0), found


def _same(name: str, left: str, right: str) -> str:
    """Return the condition that two values of a column are the same."""
    one, other = f"l.{quote(name)}", f"r.{quote(name)}"
    if _is_float(left, right):
        apart = f"abs(CAST({one} AS DOUBLE) - CAST({other} AS DOUBLE))"
        most = f"{TOLERANCE} * greatest(abs(CAST({one} AS DOUBLE)), abs(CAST({other} AS DOUBLE)), 1)"
        return f"coalesce({apart} <= {most}, {one} IS NULL AND {other} IS NULL)"
    return f"{_plain(name, left, right, 'l.')} IS NOT DISTINCT FROM {_plain(name, left, right, 'r.')}"


def _plain(name: str, left: str, right: str, prefix: str = "") -> str:
    """Return a value so that it can be compared with that of another type; what is of other kinds goes as text."""
    value = f"{prefix}{quote(name)}"
    if _is_float(left, right):
        return f"format('{{:.9g}}', CAST({value} AS DOUBLE))"
    return value if left == right or (_is_number(left) and _is_number(right)) else f"CAST({value} AS VARCHAR)"


def _is_float(left: str, right: str) -> bool:
    return _is_number(left) and _is_number(right) and bool({left, right} & _FLOATS)


def _is_number(kind: str) -> bool:
    return kind.startswith(_NUMBERS)
