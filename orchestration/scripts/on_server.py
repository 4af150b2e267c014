"""Runs scripts as they are written on the server that the warehouse is.

A tenant's turn has a connection of its own. Beside the schema in which scripts build lie schemas of views, one for
each that they read: one tenant's rows, without platform columns, compared as the database compares text. So a
name in a script keeps its table, and only its schema is another. Each script is one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from orchestration.names import DELETED_AT, TENANT, Table, literal
from orchestration.scripts.execution import Turn
from orchestration.scripts.program import Program
from orchestration.scripts.scope import Personal, named_of, narrowed, seen_of
from orchestration.scripts.sending import Sending
from orchestration.scripts.translated import Translated, untranslated
from orchestration.scripts.tsql import Placing, view_schema
from orchestration.scripts.types import Catalog
from orchestration.scripts.work import empty_work
from orchestration.settings import Settings
from orchestration.warehouse.sqlserver.connecting import Connection, connect, reason
from orchestration.warehouse.sqlserver.errors import told
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.session import SqlServerSession
from orchestration.warehouse.sqlserver.types import BINARY

_UNDO = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"


@dataclass
class ServerEngine:
    """The server; see :class:`Engine <orchestration.scripts.engine.Engine>`. No table changes while it lives."""

    session: SqlServerSession
    settings: Settings
    personal: Personal | None
    schema: str
    dialect: ClassVar[str] = "as written"

    @cached_property
    def stored(self) -> Mapping[Table, Mapping[str, str]]:
        """The columns of all tables of the warehouse."""
        return self.session.all_columns()

    def visible(self, tables: Collection[Table]) -> Catalog:
        """As declared."""
        return seen_of({table: self.stored.get(table, {}) for table in tables}, self.personal)

    def listed(self, besides: Collection[Table]) -> Catalog:
        """As declared."""
        return named_of(self.stored, besides)

    def prepared(self, program: Program) -> Translated:
        """Leave it as it is."""
        return untranslated(program)

    @contextmanager
    def turn(self, turn: Turn) -> Iterator[ServerTurn]:
        """Begin with a connection of its own, whose rows are the tenant's wherever the server keeps them apart."""
        self.clear()
        with closing(connect(self.settings)) as connection:
            if self.schema not in self.session.schemas():
                self.session.run(f"CREATE SCHEMA {bracketed(self.schema)}")
            if self.session.capabilities.session_context:
                connection.cursor().execute("EXEC sp_set_session_context N'tenant_id', ?", turn.tenant)
            yield ServerTurn(self, turn, connection)

    def clear(self) -> None:
        """As declared."""
        empty_work(self.session, self.schema)


@dataclass
class ServerTurn:
    """One tenant's turn on the server."""

    engine: ServerEngine
    turn: Turn
    connection: Connection
    built: set[Table] = field(default_factory=set)
    viewed: set[Table] = field(default_factory=set)

    def run(self, item: Translated) -> dict[Table, int]:
        """As declared."""
        import mssql_python  # noqa: PLC0415 - for who needs it

        for table in item.reads:
            self._show(table)
        cursor = self.connection.cursor()
        placing = Placing({*self.built, *item.writes}, item.reads, self.engine.schema)
        sending = Sending(item.script, placing, self.turn.as_of, cursor)
        try:
            cursor.execute("BEGIN TRANSACTION")
            sending.send()
            rows = {table: self._count(cursor, table) for table in item.writes}
            cursor.execute("COMMIT TRANSACTION")
        except mssql_python.Error as error:
            self._undo()
            cursor.execute("BEGIN TRANSACTION")
            raise sending.refusal(reason(error), self._undo) from error
        with told("DROP TABLE"):
            sending.drop_temporary()
        self.built.update(item.writes)
        return rows

    def columns(self, table: Table) -> Mapping[str, str]:
        """As declared."""
        return self.engine.session.columns((self.engine.schema, table[1]))

    def _show(self, table: Table) -> None:
        """Make the view of a table, if this turn has none yet."""
        if table in self.viewed:
            return
        seen = narrowed(table, self.engine.stored.get(table, {}), self.engine.personal)
        place = (view_schema(self.engine.schema, table[0]), table[1])
        if place[0] not in {view_schema(self.engine.schema, schema) for schema, _ in self.viewed}:
            self._execute(f"CREATE SCHEMA {bracketed(place[0])}")
        kinds = self.engine.stored[table]
        shown = ", ".join(_shown(name, kinds[name]) for name in seen.columns)
        where = f"{bracketed(TENANT)} = N{literal(self.turn.tenant)} COLLATE {BINARY}"
        living = f" AND {bracketed(DELETED_AT)} IS NULL" if seen.only_living else ""
        self._execute(f"CREATE VIEW {there(place)} AS SELECT {shown} FROM {there(table)} WHERE {where}{living}")
        self.viewed.add(table)

    def _execute(self, statement: str) -> None:
        with told(statement):
            self.connection.cursor().execute(statement)

    def _count(self, cursor: Any, table: Table) -> int:  # noqa: ANN401 - the driver has no types
        ((rows,),) = cursor.execute(f"SELECT COUNT_BIG(*) FROM {there((self.engine.schema, table[1]))}").fetchall()
        return int(rows)

    def _undo(self) -> None:
        self._execute(_UNDO)


def _shown(name: str, kind: str) -> str:
    """Texts that are keys elsewhere are compared to the letter; a script compares as the database does."""
    column = bracketed(name)
    return f"{column} COLLATE DATABASE_DEFAULT AS {column}" if kind == "VARCHAR" else column
