"""The statements that make and change tables, one set an engine; :mod:`.apply` decides which of them are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.names import Table, qualified, quote
from orchestration.warehouse.conversion import unfit

if TYPE_CHECKING:
    from orchestration.warehouse.protocol import Session

KEY_MARK = " PRIMARY KEY"
_COMPRESSION = dict.fromkeys((names.LOADED_AT, names.DELETED_AT), " USING COMPRESSION 'rle'")
"""They hold one value over long runs. Named, DuckDB tries nothing else when a deletion makes it write them anew:
measured for 200 deletions all over 10 million rows, 0.06 CPU s instead of 0.17."""


@dataclass(frozen=True)
class TableShape:
    """A table's columns with their DuckDB types, in order; ``key`` are those that tell its rows apart, if it has any.

    ``lengths`` bound texts, in characters, where a contract does. ``sought`` are columns by which readers look for
    rows: an engine that needs an index for that makes one. By the months of
    ``partition_by``, a date or timestamp, an engine may keep the table in parts.
    """

    columns: Mapping[str, str]
    key: Sequence[str] = ()
    lengths: Mapping[str, int] = field(default_factory=dict)
    sought: Sequence[str] = ()
    partition_by: str = ""


_ANY = TableShape({})


@dataclass(frozen=True)
class Rebuilding:
    """Why a table is made anew, the statements, and what forbids it, if anything does, with what helps.

    One that ``can_wait`` makes the table no other to a load.
    """

    reason: str
    sql: str
    fault: str = ""
    remedy: str = ""
    can_wait: bool = False


class Ddl(Protocol):
    """What an engine says to make and change tables."""

    def create_schema(self, schema: str) -> str:
        """Return the statement that makes a schema."""
        ...

    def create_table(self, table: Table, shape: TableShape) -> str:
        """Return the statement, or several, that make a table."""
        ...

    def add_column(self, table: Table, name: str, kind: str) -> str:
        """Return the statement that adds a column, empty in all rows."""
        ...

    def kept(self, table: Table, shape: TableShape) -> Mapping[str, str]:
        """Return the types that a table's columns have here, a text's with its length where it has one."""
        ...

    def retype(self, table: Table, name: str, kind: str, shape: TableShape = _ANY) -> str:
        """Return the statement, or several, that give a column of a table of that shape another type."""
        ...

    def rebuild(
        self, session: Session, table: Table, shape: TableShape, existing: Mapping[str, str], retyped: Sequence[str]
    ) -> Rebuilding | None:
        """Return how a table is made anew, where it cannot become what it shall be as it stands; ``None``: it can.

        ``existing`` are its columns with their types, ``retyped`` those that get another.
        """
        ...

    def is_keyed(self, session: Session, wanted: Mapping[Table, TableShape]) -> bool:
        """Say whether the tables, which are there, tell rows apart by the keys of their shapes."""
        ...

    def ahead(self, session: Session, wanted: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:
        """Return what makes room for months to come in tables that are kept in parts, as :meth:`protection` does."""
        ...

    def leftovers(self, session: Session) -> Sequence[tuple[Table, str, str]]:
        """Return what takes away tables that killed processes have left, as :meth:`protection` does."""
        ...

    def unfit(self, name: str, before: str, after: str) -> str:
        """Return the condition that a column's value does not keep its meaning in another type."""
        ...

    def count_unfit(self, session: Session, table: Table, name: str, misfit: str) -> tuple[int, int]:
        """Count the values that do not fit, and all of them."""
        ...

    def show(self, session: Session, view: Table, columns: Mapping[str, str], query: str) -> None:
        """Make a view with these columns, or change it to them."""
        ...

    def bronze_shape(self, contract: Contract) -> TableShape:
        """Return the shape of an entity's bronze table."""
        ...

    def protection(self, session: Session, planned: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:
        """Return what is missing to keep tenants' rows apart: the table, what is done, the statement.

        ``planned`` are tables that are about to be made.
        """
        ...

    def unprotected(self, session: Session) -> str:
        """Return why this server cannot keep tenants' rows apart; empty where it does, or need not."""
        ...

    def run(self, session: Session, statement: str) -> None:
        """Run what one of the above returned."""
        ...


class DuckDBDdl:
    """DuckDB's."""

    def create_schema(self, schema: str) -> str:
        """As declared."""
        return f"CREATE SCHEMA {quote(schema)}"

    def create_table(self, table: Table, shape: TableShape) -> str:
        """Without an index: DuckDB finds keys by a hash join."""
        body = ", ".join(f"{quote(name)} {kind}{_COMPRESSION.get(name, '')}" for name, kind in shape.columns.items())
        return f"CREATE TABLE {qualified(table)} ({body})"

    def add_column(self, table: Table, name: str, kind: str) -> str:
        """As declared."""
        return f"ALTER TABLE {qualified(table)} ADD COLUMN {quote(name)} {kind}"

    def kept(self, table: Table, shape: TableShape) -> Mapping[str, str]:  # noqa: ARG002 - it is the same for all
        """As declared; texts have no length."""
        return {name: kind.removesuffix(KEY_MARK) for name, kind in shape.columns.items()}

    def retype(self, table: Table, name: str, kind: str, shape: TableShape = _ANY) -> str:  # noqa: ARG002 - as above
        """As declared."""
        return f"ALTER TABLE {qualified(table)} ALTER COLUMN {quote(name)} TYPE {kind}"

    def rebuild(
        self,
        session: Session,
        table: Table,
        shape: TableShape,
        existing: Mapping[str, str],
        retyped: Sequence[str],
    ) -> None:
        """Never: it has no keys of its own, and writes columns anew by itself."""

    def is_keyed(self, session: Session, wanted: Mapping[Table, TableShape]) -> bool:  # noqa: ARG002 - as declared
        """Always: a load compares by the key of its contract, and no index knows another."""
        return True

    def ahead(self, session: Session, wanted: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:  # noqa: ARG002 - as declared
        """None: it keeps rows in groups, each of which knows its least and greatest date."""
        return ()

    def leftovers(self, session: Session) -> Sequence[tuple[Table, str, str]]:  # noqa: ARG002 - as declared
        """None: a file is written by transactions alone."""
        return ()

    def unfit(self, name: str, before: str, after: str) -> str:
        """As declared."""
        return unfit(quote(name), before, after)

    def count_unfit(self, session: Session, table: Table, name: str, misfit: str) -> tuple[int, int]:
        """As declared."""
        place = qualified(table)
        sql = f"SELECT count(*) FILTER (WHERE {misfit}), count({quote(name)}) FROM {place}"
        misfits, values = session.execute(sql)[0]
        return int(misfits), int(values)

    def show(self, session: Session, view: Table, columns: Mapping[str, str], query: str) -> None:  # noqa: ARG002 - as the query has them
        """As declared."""
        session.execute(f"CREATE OR REPLACE VIEW {qualified(view)} AS {query}")

    def bronze_shape(self, contract: Contract) -> TableShape:
        """The contract's columns between the platform's."""
        return TableShape(bronze_columns(contract), (*names.PLATFORM_KEY, *contract.key))

    def protection(self, session: Session, planned: Mapping[Table, TableShape]) -> Sequence[tuple[Table, str, str]]:  # noqa: ARG002 - who opens the file sees all of it
        """Nothing: rows are kept apart by who reads."""
        return ()

    def unprotected(self, session: Session) -> str:  # noqa: ARG002 - as above
        """As declared."""
        return ""

    def run(self, session: Session, statement: str) -> None:
        """As declared."""
        session.execute(statement)


_LEADING = {names.TENANT: "VARCHAR", names.CONNECTION: "VARCHAR"}
_TRAILING = {names.LOAD_ID: "VARCHAR", names.LOADED_AT: "TIMESTAMP", names.DELETED_AT: "TIMESTAMP"}
PLATFORM_TYPES = _LEADING | _TRAILING
"""The platform's own columns with their DuckDB types, in every layer that has them."""


def bronze_columns(contract: Contract) -> dict[str, str]:
    """Return the columns of a bronze table with their DuckDB types, in order."""
    return _LEADING | {column.name: column.type.duckdb for column in contract.columns} | _TRAILING
