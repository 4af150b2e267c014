"""SQL Server's words for making and changing tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.names import Table, qualified
from orchestration.warehouse.ddl import KEY_MARK, Rebuilding, TableShape, bronze_columns
from orchestration.warehouse.protocol import NotAlone
from orchestration.warehouse.sqlserver import parts
from orchestration.warehouse.sqlserver.dependents import Index, keys
from orchestration.warehouse.sqlserver.protection import NONE, look, missing
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.rebuilding import Rebuild, beside, is_script, leftovers
from orchestration.warehouse.sqlserver.rebuilding import run as run_script
from orchestration.warehouse.sqlserver.types import BINARY, stored_as, text_key

if TYPE_CHECKING:
    from orchestration.warehouse.protocol import Session
    from orchestration.warehouse.sqlserver.session import SqlServerSession

_LONG = frozenset({
    "message", "reason", "note", "raw_value", "raw_row", "sample", "data", "columns", "payload", "traceparent",
})  # fmt: skip
"""Columns of the platform's tables that hold prose or documents; all other texts of it are compared."""
_NARROW = 128
_REKEY = (
    "Put the old key back into the contract, or mend the rows at the source and load them, and then change the key."
)
_CLEAR = "Take them off the table, run strata warehouse apply, and put them back."
_ANY = TableShape({})
_LENGTH = re.compile(r"nvarchar\((\d+)\)")
_ALTERED = re.compile(rf"(ALTER COLUMN \S+ \S+) COLLATE {BINARY}( NOT NULL)?")
_BOUNDED = re.compile(r"VARCHAR\((\d+)\)")
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")


class SqlServerDdl:
    """The statements; each is run as it stands."""

    def create_schema(self, schema: str) -> str:
        """As declared."""
        return f"CREATE SCHEMA {bracketed(schema)}"

    def create_table(self, table: Table, shape: TableShape) -> str:
        """A heap, with an index over what tells its rows apart: from the beginning, not after a first load.

        Measured on Babelfish for 200,000 rows of 12 columns: to store them costs 1.3 CPU s with the index, and 0.9 with
        the index made afterwards; reading, sending and proving them costs 11.
        """
        return "; ".join(
            [*self._heap(table, table, shape), *(index.create(table) for index in self.indexes(table, shape))]
        )

    def _heap(self, place: Table, table: Table, shape: TableShape) -> list[str]:
        """Return the statements that make a table, at some place, without an index."""
        key, kept = _key(shape), parts.parts_of(table, shape)
        body = ", ".join(
            f"{bracketed(name)} {self._stored(table, shape, name, kind.removesuffix(KEY_MARK))}"
            f"{' NOT NULL' if name in key else ''}"
            for name, kind in shape.columns.items()
        )
        made = f"CREATE TABLE {there(place)} ({body})"
        return [*kept.create(parts.months_around(parts.today())), made + kept.clause] if kept else [made]

    def indexes(self, table: Table, shape: TableShape) -> list[Index]:
        """Return the indexes of a table of a shape."""
        name, key = index_name(table), _key(shape)
        whole = bool(shape.partition_by) and shape.partition_by not in key
        found = [Index(name, key, list(map(bracketed, key)), is_unique=True, is_whole=whole)] if key else []
        if shape.sought:
            found.append(Index(name, shape.sought, list(map(bracketed, shape.sought))))
        return found

    def _stored(self, table: Table, shape: TableShape, name: str, kind: str) -> str:
        if kind != "VARCHAR":
            return stored_as(kind)
        if name in (names.TENANT, names.CONNECTION, names.LOAD_ID, names.CLOSE_ID):
            return text_key(_NARROW)
        if name in shape.key or (table[0] == names.PLATFORM and name not in _LONG):
            return text_key(shape.lengths.get(name, 0))
        stored = stored_as(kind, length=shape.lengths.get(name, 0))
        is_ours = table[0] == names.PLATFORM or table[0].startswith(names.BRONZE_PREFIX)
        # All texts of a table in one collation: two of them cannot be joined, and dbt's models compare to the letter.
        return f"{stored} COLLATE {BINARY}" if is_ours else stored

    def add_column(self, table: Table, name: str, kind: str) -> str:
        """As declared."""
        return (
            f"ALTER TABLE {there(table)} ADD {bracketed(name)} {self._stored(table, TableShape({}), name, kind)} NULL"
        )

    def kept(self, table: Table, shape: TableShape) -> Mapping[str, str]:
        """As declared; a text without a length is ``nvarchar(max)``."""
        plain = {name: kind.removesuffix(KEY_MARK) for name, kind in shape.columns.items()}
        lengths = {name: _LENGTH.match(self._stored(table, shape, name, kind)) for name, kind in plain.items()}
        return {name: f"VARCHAR({found[1]})" if (found := lengths[name]) else kind for name, kind in plain.items()}

    def retype(self, table: Table, name: str, kind: str, shape: TableShape = _ANY) -> str:
        """As declared; an index over the column gives way while it changes."""
        stored = self._stored(table, shape, name, kind)
        change = f"ALTER TABLE {there(table)} ALTER COLUMN {bracketed(name)} {stored}"
        if name not in shape.key:
            return change  # it stays open to NULL, as every connection of the driver says by default
        again = self.indexes(table, shape)[0].create(table)
        return f"DROP INDEX {bracketed(index_name(table))} ON {there(table)}; {change} NOT NULL; {again};"

    def rebuild(
        self, session: Session, table: Table, shape: TableShape, existing: Mapping[str, str], retyped: Sequence[str]
    ) -> Rebuilding | None:
        """As declared: for another type, which an ALTER would write under a lock, another key, and parts."""
        server: SqlServerSession = session  # type: ignore[assignment]
        old, key = self._keys(server, {table: shape}).get(table, _key(shape)), _key(shape)
        lies, kept = parts.scheme_of(server.run, table) if shape.key else "", parts.parts_of(table, shape)
        moves = lies != (kept.name if kept else "")
        if not retyped and old == key and not moves:
            return None
        reasons = [f"key from {', '.join(old) or 'none'} to {', '.join(key)}"] if old != key else []
        reasons += [f"into parts by the months of {kept.column}" if kept else "into one part"] if moves else []
        anew = self._anew(table, shape, existing, retyped, lies if moves else "")
        script, can_wait = anew.script(server), not retyped and old == key
        if old != key and (fault := _fault(server, table, key, existing)):
            return Rebuilding(", ".join(reasons), script, fault, _REKEY)
        carried = ", ".join(anew.obstacles(server))
        fault = f"what others have put onto the table cannot be brought along: {carried}" if carried else ""
        return Rebuilding(", ".join(reasons), script, fault, _CLEAR, can_wait)

    def is_keyed(self, session: Session, wanted: Mapping[Table, TableShape]) -> bool:
        """As declared: by the index over a table's key."""
        return all(key == _key(wanted[table]) for table, key in self._keys(session, wanted).items())  # type: ignore[arg-type]

    def _keys(self, session: SqlServerSession, wanted: Mapping[Table, TableShape]) -> dict[Table, list[str]]:
        """Return the keys by which tables tell rows apart, of those whose shape has one; empty without an index.

        Babelfish writes more behind an index's name.
        """
        keyed = [table for table, shape in wanted.items() if shape.key]
        found = keys(session.run, keyed) if keyed else {}
        held = {
            table: next((columns for name, columns in unique.items() if name.startswith(index_name(table))), [])
            for table, unique in found.items()
        }
        # Within parts, the index of the same key has their column too.
        within = {table: [*_key(wanted[table]), wanted[table].partition_by] for table in held}
        return {table: found[:-1] if found == within[table] else found for table, found in held.items()}

    def ahead(self, session: Session, wanted: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:
        """As declared; Babelfish splits no parts."""
        kept = {table: found for table, shape in wanted.items() if (found := parts.parts_of(table, shape))}
        if not kept or session.capabilities.is_babelfish:  # type: ignore[attr-defined]
            return []
        known, day = parts.last_months(session.run), parts.today()  # type: ignore[attr-defined]
        coming = {
            table: parts.months_to_come(known[item.name], day) for table, item in kept.items() if item.name in known
        }
        return [
            (
                table,
                f"split months to {months[-1]:%Y-%m} off the last part of {'.'.join(table)}",
                kept[table].split(months),
            )
            for table, months in coming.items()
            if months
        ]

    def _anew(
        self, table: Table, shape: TableShape, existing: Mapping[str, str], retyped: Sequence[str], left: str
    ) -> Rebuild:
        """Keep the columns that a contract no longer names."""
        lengths = {name: int(found[1]) for name, kind in existing.items() if (found := _BOUNDED.fullmatch(kind))}
        kinds = {name: "VARCHAR" if kind.startswith("VARCHAR") else kind for name, kind in existing.items()}
        whole = replace(shape, columns={**kinds, **shape.columns}, lengths={**lengths, **shape.lengths})
        stored = {name: stored_as(shape.columns[name].removesuffix(KEY_MARK)) for name in retyped}
        values = {
            name: f"CAST({bracketed(name)} AS {stored[name]})" if name in stored else bracketed(name)
            for name in existing
        }
        create = "; ".join(self._heap(beside(table), table, whole))
        return Rebuild(table, create, values, self.indexes(table, shape), shape.partition_by, left)

    def leftovers(self, session: Session) -> Sequence[tuple[Table, str, str]]:
        """As declared: beside tables of bulk copies and rebuilds."""
        return list(leftovers(session))  # type: ignore[arg-type]

    def unfit(self, name: str, before: str, after: str) -> str:
        """A value fits when it converts, and converts back to itself."""
        column, new, old = bracketed(name), stored_as(after), stored_as(before)
        common = old if before != "VARCHAR" else _common(after)
        changed = f"TRY_CAST(TRY_CAST({column} AS {new}) AS {common}) <> TRY_CAST({column} AS {common})"
        lost = f"TRY_CAST({column} AS {new}) IS NULL OR TRY_CAST({column} AS {common}) IS NULL OR {changed}"
        return f"{column} IS NOT NULL AND ({lost})"

    def count_unfit(self, session: Session, table: Table, name: str, misfit: str) -> tuple[int, int]:
        """As declared."""
        values = f"SUM(CASE WHEN {misfit} THEN 1 ELSE 0 END), COUNT_BIG({bracketed(name)})"
        ((misfits, count),) = session.run(f"SELECT {values} FROM {there(table)}")  # type: ignore[attr-defined]
        return int(misfits or 0), int(count)

    def show(self, session: Session, view: Table, columns: Mapping[str, str], query: str) -> None:
        """As declared: one that has these columns stands, with its grants and its readers' locks."""
        if list(session.columns(view).items()) == list(columns.items()):
            return
        replaces = session.capabilities.create_or_alter  # type: ignore[attr-defined]
        if not replaces:
            session.execute(f"DROP VIEW IF EXISTS {qualified(view)}")
        session.execute(f"CREATE {'OR REPLACE ' if replaces else ''}VIEW {qualified(view)} AS {query}")

    def bronze_shape(self, contract: Contract) -> TableShape:
        """The contract's columns between the platform's, and the row's hash, by which a full load compares."""
        columns = bronze_columns(contract) | {names.ROW_HASH: "BIGINT"}
        lengths = {column.name: column.type.length for column in contract.columns if column.type.length}
        key = (*names.PLATFORM_KEY, *contract.key)
        return TableShape(columns, key, lengths, partition_by=contract.partition_by or "")

    def protection(self, session: Session, planned: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:
        """Roles, grants and security policies, as far as this server has them."""
        run, can = session.run, session.capabilities  # type: ignore[attr-defined]
        coming = {table: shape.columns for table, shape in planned.items()}
        return list(missing(look(run, can), can, coming))

    def unprotected(self, session: Session) -> str:
        """As declared."""
        return "" if session.capabilities.security_policies else NONE  # type: ignore[attr-defined]

    def run(self, session: Session, statement: str) -> None:
        """As declared; Babelfish keeps what an altered column has beside its type, and has no words for it.

        A rebuild goes batch by batch.

        Raises:
            NotAlone: others write beside this session; they must not meet a table that changes.
        """
        if not session.is_alone:  # type: ignore[attr-defined]
            raise NotAlone(f"Beside others no table is changed: {statement.strip()[:200]}")
        if is_script(statement):
            run_script(session, statement)  # type: ignore[arg-type]
            return
        if session.capabilities.is_babelfish:  # type: ignore[attr-defined]
            statement = parts.within_parts(_ALTERED.sub(r"\1", statement))
        session.run(statement)  # type: ignore[attr-defined]


def index_name(table: Table) -> str:
    """Return the name of the index over a table's key; names of 128 characters stay within it, and apart."""
    plain = f"ux_{table[1]}"
    return plain if len(plain) <= 128 else f"{plain[:111]}_{sha256(plain.encode()).hexdigest()[:16]}"


def _key(shape: TableShape) -> list[str]:
    return [name for name, kind in shape.columns.items() if kind.endswith(KEY_MARK)] or list(shape.key)


def _fault(session: SqlServerSession, table: Table, key: Sequence[str], existing: Mapping[str, str]) -> str:
    """Say why a table's rows cannot have a key; empty when they can."""
    ((count,),) = session.run(f"SELECT COUNT_BIG(*) FROM {there(table)}")
    if missing := [name for name in key if name not in existing]:
        return f"its {count:,} rows have no {', '.join(missing)}" if count else ""
    listed = ", ".join(map(bracketed, key))
    empty = " OR ".join(f"{bracketed(name)} IS NULL" for name in key)
    ((nulls,),) = session.run(f"SELECT COUNT_BIG(*) FROM {there(table)} WHERE {empty}")
    twice = f"SELECT 1 AS one FROM {there(table)} GROUP BY {listed} HAVING COUNT_BIG(*) > 1"
    ((doubles,),) = session.run(f"SELECT COUNT_BIG(*) FROM ({twice}) d")
    return f"{nulls:,} of {count:,} rows lack a part of it, {doubles:,} keys come twice" if nulls or doubles else ""


def _common(after: str) -> str:
    """Return the type in which a text and what it became are compared; text has many forms of one number."""
    if after in ("SMALLINT", "INTEGER", "BIGINT"):
        return "decimal(38,19)"
    if decimal := _DECIMAL.fullmatch(after):
        return f"decimal(38,{38 - int(decimal[1]) + int(decimal[2])})"
    return stored_as(after)
