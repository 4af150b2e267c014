"""Copies of the server's tables in a session's DuckDB: for statements that need both sides at once.

A copy lies under the table's own name, so that the same statement runs there as on the embedded warehouse. It has
the rows that were asked for; what a block changes in them is written back at its end, row by key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot

from orchestration.names import Table, qualified, quote
from orchestration.warehouse.protocol import Matching
from orchestration.warehouse.sqlserver.keys import matched
from orchestration.warehouse.sqlserver.quoting import there
from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.statement import written

if TYPE_CHECKING:
    from orchestration.warehouse.sqlserver.session import SqlServerSession


_MOST_KEYS = 200_000


@dataclass(frozen=True)
class Wanted:
    """Which rows and columns of a table are copied; see ``Session.working_copy``."""

    table: Table
    where: str = ""
    parameters: tuple[object, ...] = ()
    columns: tuple[str, ...] = ()
    matching: Matching | None = None


class Copies:
    """The copies of one session."""

    def __init__(self, session: SqlServerSession) -> None:
        """Begin with none."""
        self._session = session
        self._borrowed: set[Table] = set()

    @property
    def borrowed(self) -> frozenset[Table]:
        """The tables whose copy counts at present."""
        return frozenset(self._borrowed)

    @contextmanager
    def borrow(self, wanted: Wanted, *, key: Sequence[str] = ()) -> Iterator[None]:
        """Copy rows; at the end of the block write back what changed, by ``key``. A copy that is there is kept."""
        table = wanted.table
        if table in self._borrowed:
            yield
            return
        self._take(wanted)
        self._borrowed.add(table)
        try:
            if key:
                self._session.local(f"CREATE OR REPLACE TABLE {_before(table)} AS SELECT * FROM {qualified(table)}")
                self._session.local(f"ALTER TABLE {qualified(table)} ADD PRIMARY KEY ({', '.join(map(quote, key))})")
            yield
            if key:
                self._write_back(table, key)
        finally:
            self._borrowed.discard(table)
            self._session.local(f"DROP TABLE IF EXISTS {qualified(table)}")
            self._session.local(f"DROP TABLE IF EXISTS {_before(table)}")

    @contextmanager
    def whole(self, tables: Iterable[Table]) -> Iterator[None]:
        """Copy all rows of tables, to read."""
        with ExitStack() as stack:
            for table in sorted(tables):
                stack.enter_context(self.borrow(Wanted(table)))
            yield

    def _take(self, wanted: Wanted) -> None:
        place = qualified(wanted.table)
        self._session.local(f"CREATE SCHEMA IF NOT EXISTS {quote(wanted.table[0])}")
        self._session.local(f"DROP TABLE IF EXISTS {place}")
        listed = ", ".join(map(quote, wanted.columns)) or "*"
        query = f"SELECT {listed} FROM {place}{f' WHERE {wanted.where}' if wanted.where else ''}"
        rendered, values = to_tsql(sqlglot.parse_one(query, read="duckdb")), list(wanted.parameters)
        keys = self._keys(wanted.matching) if wanted.matching else None
        if wanted.matching is not None and keys is not None:
            condition = matching_condition(self._session, wanted.table, wanted.matching)
            joint = "AND" if wanted.where else "WHERE"
            rendered += written(f" {joint} {condition}", first=len(values))
            values.append(keys)
        self._session.fetch(place, rendered, values)

    def _keys(self, matching: Matching) -> str | None:
        """Return what rows have to agree with, as JSON; of very many it is cheaper to read all rows."""
        listed = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in matching.columns)
        distinct = f"SELECT DISTINCT json_array({listed}) AS row FROM {matching.relation}"
        ((count, text),) = self._session.local(f"SELECT count(*), string_agg(row, ',') FROM ({distinct})")
        return None if count > _MOST_KEYS else f"[{text or ''}]"

    def _write_back(self, table: Table, key: Sequence[str]) -> None:
        listed = ", ".join(map(quote, key))
        now, before = f"SELECT * FROM {qualified(table)}", f"SELECT * FROM {_before(table)}"
        gone = self._session.local(f"SELECT {listed} FROM ({before} EXCEPT {now})")
        self._session.local(f"CREATE OR REPLACE TEMP TABLE strata_written AS {now} EXCEPT {before}")
        with self._session.transaction():
            if gone:
                delete_keys(self._session, table, key, gone)
            if self._session.local("SELECT 1 FROM temp.strata_written LIMIT 1"):
                self._session.append(table, "temp.strata_written")


def matching_condition(session: SqlServerSession, table: Table, matching: Matching) -> str:
    """Return the condition that a row's values are among those of a JSON array of arrays, its one parameter."""
    kinds = _kinds(session, f"SELECT * FROM {matching.relation}")
    keys, same = matched(there(table), [(name, kinds[name]) for name in matching.columns])
    return f"EXISTS (SELECT 1 FROM {keys} WHERE {same})"


def delete_keys(session: SqlServerSession, table: Table, key: Sequence[str], gone: Sequence[Sequence[object]]) -> None:
    """Delete rows by their keys, given as values."""
    kinds = _kinds(session, qualified(table))
    keys, same = matched("t", [(name, kinds[name]) for name in key])
    text = json.dumps([[None if value is None else str(value) for value in row] for row in gone], ensure_ascii=False)
    session.run(f"DELETE t FROM {there(table)} t JOIN {keys} ON {same}", text)


def _kinds(session: SqlServerSession, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in session.local(f"DESCRIBE {relation}")}


def _before(table: Table) -> str:
    return f"main.{quote('before ' + '.'.join(table))}"
