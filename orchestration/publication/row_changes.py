"""The rows that differ between two versions of a table: as changes to send, and counted by tenant.

The versions may have other columns: the older one is read in the newer one's shape, so that a
column which came with nothing in it changes no row. Memory is bounded: keys and hashes are
joined first, and the rows of what differs are fetched after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.names import TENANT, quote
from orchestration.publication.differences import Differences, pairs_that_differ, row_hash, same_key

CHANGE = "_change"
"""The column that says ``insert``, ``update`` or ``delete``; a deleted row comes as it was."""


@dataclass(frozen=True)
class Rows:
    """A version's rows: ``sql`` goes after FROM and takes ``values`` for its ``?``; ``columns`` are names and types."""

    sql: str
    columns: Mapping[str, str]
    values: tuple[object, ...] = ()


def shape(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return names and types of a relation's columns."""
    return {str(name): str(kind) for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def reshaped(rows: Rows, columns: Mapping[str, str]) -> Rows:
    """Return rows with these columns in these types; what they lack, or what does not fit, is missing."""
    listed = ", ".join(_as_in(name, kind, rows.columns) for name, kind in columns.items())
    return Rows(f"(SELECT {listed} FROM {rows.sql})", columns, rows.values)


def _as_in(name: str, kind: str, existing: Mapping[str, str]) -> str:
    if name not in existing:
        return f"NULL::{kind} AS {quote(name)}"
    return quote(name) if existing[name] == kind else f"TRY_CAST({quote(name)} AS {kind}) AS {quote(name)}"


@dataclass(frozen=True)
class RowChanges:
    """What differs: counts, and ``sql`` for the rows (``_change``, then the columns asked for), ordered by key."""

    counts: Differences
    sql: str
    values: tuple[object, ...]


def changed_rows(
    con: duckdb.DuckDBPyConnection, new: Rows, old: Rows | None, columns: Sequence[str], key: Sequence[str]
) -> RowChanges:
    """Find the rows that differ in ``columns``; what is returned can be read until the next call on the connection.

    ``key`` must tell rows apart. Without one a changed row is a deleted and an inserted one, and deletions come
    first. Without an old version every row is inserted.
    """
    if old is None:
        (count,) = con.execute(f"SELECT count(*) FROM {new.sql}", new.values).fetchall()[0]
        order = f" ORDER BY {', '.join(map(quote, key))}" if key else ""
        sql = f"SELECT 'insert' AS {CHANGE}, {', '.join(map(quote, columns))} FROM {new.sql}{order}"
        return RowChanges(Differences(int(count), 0, 0), sql, new.values)
    needed = {name: new.columns[name] for name in dict.fromkeys((*key, *columns))}
    new, old = reshaped(new, needed), reshaped(old, needed)
    find, fetch = (_find_by_key, _rows_by_key) if key else (_find_by_content, _rows_by_content)
    values = (*new.values, *old.values)
    con.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {find(new, old, columns, key)}", values)
    counts = Differences(*map(int, con.execute(_COUNTS).fetchall()[0]))
    return RowChanges(counts, fetch(new, old, columns, key), values)


_COUNTS = f"""
SELECT {", ".join(f"coalesce(sum(_times) FILTER ({CHANGE} = '{kind}'), 0)" for kind in ("insert", "update", "delete"))}
FROM changed"""
_KIND = "CASE WHEN o._hash IS NULL THEN 'insert' WHEN n._hash IS NULL THEN 'delete' ELSE 'update' END"


def _find_by_key(new: Rows, old: Rows, columns: Sequence[str], key: Sequence[str]) -> str:
    keys = ", ".join(f"coalesce(n.{quote(name)}, o.{quote(name)}) AS {quote(name)}" for name in key)
    return f"SELECT {_KIND} AS {CHANGE}, 1 AS _times, {keys} FROM {pairs_that_differ(new.sql, old.sql, columns, key)}"


def _rows_by_key(new: Rows, old: Rows, columns: Sequence[str], key: Sequence[str]) -> str:
    listed = ", ".join(f"r.{quote(name)}" for name in columns)
    keys = ", ".join(f"r.{quote(name)} AS _key{number}" for number, name in enumerate(key))
    parts = [
        f"SELECT {CHANGE}, {listed}, {keys} FROM {rows.sql} r JOIN changed c ON {same_key('r', 'c', key)} "
        f"AND ({CHANGE} = 'delete') = {gone}"
        for rows, gone in ((new, "false"), (old, "true"))
    ]
    order = ", ".join(f"_key{number}" for number in range(len(key)))
    return f"SELECT * EXCLUDE ({order}) FROM ({' UNION ALL '.join(parts)}) ORDER BY {order}"


def _find_by_content(new: Rows, old: Rows, columns: Sequence[str], key: Sequence[str]) -> str:  # noqa: ARG001 - as above
    hashes = f"SELECT {row_hash(columns)} AS _hash, 1 AS way FROM {new.sql} UNION ALL SELECT {row_hash(columns)}, -1"
    return (
        f"SELECT if(sum(way) > 0, 'insert', 'delete') AS {CHANGE}, abs(sum(way)) AS _times, _hash "
        f"FROM ({hashes} FROM {old.sql}) GROUP BY _hash HAVING sum(way) <> 0"
    )


def _rows_by_content(new: Rows, old: Rows, columns: Sequence[str], key: Sequence[str]) -> str:  # noqa: ARG001 - as above
    listed = ", ".join(map(quote, columns))
    parts = [
        f"SELECT {CHANGE}, {listed} FROM (SELECT *, {row_hash(columns)} AS _hash FROM {rows.sql}) JOIN "
        f"(SELECT * FROM changed WHERE {CHANGE} = '{kind}') USING (_hash) "
        "QUALIFY row_number() OVER (PARTITION BY _hash) <= _times"
        for rows, kind in ((new, "insert"), (old, "delete"))
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY {CHANGE}"


def tenant_changes(
    con: duckdb.DuckDBPyConnection, new: str, old: str | None, columns: Sequence[str], key: Sequence[str]
) -> dict[str, Differences]:
    """Count for each tenant what differs between two relations, in one pass; tenants without changes are left out.

    Without an old one every row is new; ``columns`` are compared, all of the new one's when empty.
    """
    kinds = shape(con, new)
    columns = list(columns) or list(kinds)
    if old is None:
        sql = f"SELECT {quote(TENANT)}, count(*), 0, 0 FROM {new} GROUP BY ALL"
    else:
        before = reshaped(Rows(old, shape(con, old)), kinds).sql
        sql = (_count_by_key if key else _count_by_content)(new, before, columns, key)
    return {str(tenant): Differences(int(i), int(u), int(d)) for tenant, i, u, d in con.execute(sql).fetchall()}


def _count_by_key(new: str, old: str, columns: Sequence[str], key: Sequence[str]) -> str:
    key = (TENANT, *(name for name in key if name != TENANT))
    return f"""
SELECT coalesce(n.{quote(TENANT)}, o.{quote(TENANT)}), count(*) FILTER (o._hash IS NULL),
    count(*) FILTER (n._hash <> o._hash), count(*) FILTER (n._hash IS NULL)
FROM {pairs_that_differ(new, old, columns, key)} GROUP BY 1"""


def _count_by_content(new: str, old: str, columns: Sequence[str], key: Sequence[str]) -> str:  # noqa: ARG001 - as above
    side = f"SELECT {quote(TENANT)} AS tenant, {row_hash(columns)} AS _hash"
    return f"""
SELECT tenant, sum(greatest(balance, 0)), 0, sum(greatest(-balance, 0))
FROM (SELECT tenant, sum(way) AS balance FROM ({side}, 1 AS way FROM {new} UNION ALL {side}, -1 FROM {old})
      GROUP BY tenant, _hash HAVING sum(way) <> 0) GROUP BY tenant"""
