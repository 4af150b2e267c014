"""A session on SQL Server: the engine's statements go where their tables are (see :mod:`.routing`).

Beside the server's connection lives a DuckDB without a file, in which the gate parses what landed and rows are
compared; on the embedded warehouse both are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import duckdb
from sqlglot import exp

from orchestration.contracts.extraction import Check
from orchestration.failures import Busy, StrataError
from orchestration.names import PLATFORM, Table, qualified, quote
from orchestration.warehouse.protocol import Matching, Row
from orchestration.warehouse.sqlserver import catalog
from orchestration.warehouse.sqlserver.applock import NUMBERS, take
from orchestration.warehouse.sqlserver.capabilities import Capabilities, capabilities_of
from orchestration.warehouse.sqlserver.connecting import Connection
from orchestration.warehouse.sqlserver.copies import Copies, Wanted
from orchestration.warehouse.sqlserver.ddl import SqlServerDdl
from orchestration.warehouse.sqlserver.errors import told
from orchestration.warehouse.sqlserver.loading import after_load, load
from orchestration.warehouse.sqlserver.paths import Path, Rows, ways
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.routing import Route, Routed, read_statement
from orchestration.warehouse.sqlserver.statement import Rendered, written

_INCOMING = "strata_incoming"
_FEW = 8


@dataclass
class SqlServerSession:
    """One connection to the server, and the DuckDB beside it; ``paths`` are ways of loading, if not those it has.

    ``is_alone`` says that nobody else writes meanwhile; beside others, ``wait_seconds`` bounds a wait for one of them.
    """

    con: duckdb.DuckDBPyConnection
    remote: Connection
    before_commit: Callable[[], None] = lambda: None
    paths: Sequence[Path] = ()
    connect: Callable[[], Connection] | None = None
    is_alone: bool = True
    wait_seconds: float = 300.0
    _depth: int = 0
    _to_drop: list[str] = field(default_factory=list)
    ddl: ClassVar[SqlServerDdl] = SqlServerDdl()
    is_embedded: ClassVar[bool] = False
    copies: Copies = field(init=False)

    def __post_init__(self) -> None:
        """Keep the copies of the server's tables that this session works on."""
        self.copies = Copies(self)

    @property
    def capabilities(self) -> Capabilities:
        """What this server can do."""
        return capabilities_of(self.remote)

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Run one statement where its tables are."""
        values = list(parameters or ())
        routed = read_statement(sql)
        if routed is None:
            return self.local(sql, values)
        match routed.route(self.copies.borrowed):
            case Route.LOCAL:
                return self.local(sql, values)
            case Route.REMOTE:
                return self.remote_rows(routed.rendered, values)
            case Route.FETCH:
                return self._fetch_into(routed, values)
            case Route.LOAD:
                return self._load_from(routed, values)
            case Route.COPIES:
                return self._on_copies(sql, routed, values)

    def local(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a statement in DuckDB."""
        return self.con.execute(sql, list(values)).fetchall()

    def run(self, tsql: str, *values: object) -> list[Row]:
        """Run a statement in the server's own words."""
        return self.remote_rows(written(tsql) if values else Rendered((tsql,)), values)

    def remote_rows(self, rendered: Rendered, values: Sequence[object]) -> list[Row]:
        """Run a rendered statement on the server; returns its rows, or how many it wrote."""
        cursor = self.cursor()
        text, bound = rendered.bound(values)
        with told(text):
            cursor.execute(text, *bound)
            if cursor.description is None:
                return [(cursor.rowcount,)]
            return [tuple(row) for row in cursor.fetchall()]

    def fetch(self, name: str, rendered: Rendered, values: Sequence[object] = (), *, kind: str = "TABLE") -> int:
        """Put what a query of the server finds into a table of DuckDB; returns how many rows."""
        cursor = self.cursor()
        text, bound = rendered.bound(values)
        with told(text):
            cursor.execute(text, *bound)
            reader = cursor.arrow_reader()
            self.con.register(_INCOMING, reader)
            try:
                made = self.con.execute(f"CREATE {kind} {name} AS SELECT {_as_ours(reader)} FROM {_INCOMING}")
                return int(made.fetchall()[0][0])
            finally:
                self.con.unregister(_INCOMING)

    def cursor(self) -> Any:  # noqa: ANN401 - the driver has no types
        """Return a cursor of the connection."""
        return self.remote.cursor()

    def inspect(self) -> Iterator[Check]:
        """Look at the server, its settings and what this login may do."""
        from orchestration.warehouse.sqlserver.inspection import inspect  # noqa: PLC0415 - it works with sessions

        return inspect(self)

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is open."""
        return self._depth > 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on any exception; one transaction of the engine at a time writes."""
        self._depth += 1
        try:
            if self._depth == 1:
                self._begin()
            yield
            if self._depth == 1:
                self._commit()
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def numbering(self) -> Iterator[bool]:
        """Let nobody else draw numbers until the transaction ends; alone, nobody does."""
        if self.is_alone:
            yield False
            return
        with self.transaction():
            if not take(self.remote, NUMBERS, "Exclusive", "Transaction", self.wait_seconds):
                message = f"A load waited {self.wait_seconds:g} s for others that are committing."
                raise Busy(message, "Try again when they are done, or raise STRATA_LOCK_WAIT_SECONDS.")
            yield True

    def _begin(self) -> None:
        with told("BEGIN TRANSACTION"):
            self.cursor().execute("BEGIN TRANSACTION")

    def _commit(self) -> None:
        self.before_commit()
        with told("COMMIT"):
            self.cursor().execute("COMMIT TRANSACTION")
        # Not before: measured on Babelfish, to drop one in a transaction keeps all others from doing so until its end.
        while self._to_drop:
            with suppress(StrataError):
                self.run(f"DROP TABLE {self._to_drop.pop()}")

    def _roll_back(self) -> None:
        self._to_drop.clear()
        with suppress(Exception):  # the first error is the one to tell
            self.cursor().execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")

    @contextmanager
    def working_copy(
        self,
        table: Table,
        where: str = "",
        parameters: Sequence[object] = (),
        *,
        key: Sequence[str] = (),
        columns: Sequence[str] = (),
        matching: Matching | None = None,
    ) -> Iterator[None]:
        """Have some rows of a table here while the block runs; with ``key``, what it changes is written back."""
        with self.copies.borrow(Wanted(table, where, tuple(parameters), tuple(columns), matching), key=key):
            yield

    def columns(self, table: Table) -> dict[str, str]:
        """Return a table's or view's columns with their DuckDB types; empty when there is none."""
        if table in self.copies.borrowed:
            return {row[0]: row[1] for row in self.local(f"DESCRIBE {qualified(table)}")}
        return catalog.columns(self.run, table)

    def describe(self, tables: Sequence[Table]) -> dict[Table, Mapping[str, str]] | None:
        """Return the columns of tables; ``None`` when one of them is not there."""
        return catalog.described(self.run, self.cursor(), tables)

    def all_columns(self) -> dict[Table, dict[str, str]]:
        """Return the columns of every table and view there is."""
        return catalog.all_columns(self.run)

    def schemas(self) -> set[str]:
        """Return the schemas there are."""
        return catalog.schemas(self.run)

    def tables(self, schema: str) -> list[str]:
        """Return the tables of a schema, by name."""
        return catalog.names_in(self.run, schema, "U")

    def views(self, schema: str) -> list[str]:
        """Return the views of a schema, by name."""
        return catalog.names_in(self.run, schema, "V")

    def _fetch_into(self, routed: Routed, values: Sequence[object]) -> list[Row]:
        name = routed.tree.this.name
        for kind in ("VIEW", "TABLE"):
            with suppress(duckdb.CatalogException):
                self.con.execute(f"DROP {kind} IF EXISTS temp.{quote(name)}")
        return [(self.fetch(quote(name), to_tsql(routed.source), values, kind="TEMP TABLE"),)]

    def _load_from(self, routed: Routed, values: Sequence[object]) -> list[Row]:
        (table,) = routed.writes
        self.con.execute("DROP TABLE IF EXISTS temp.strata_outgoing")
        query = routed.source.sql(dialect="duckdb")
        self.con.execute(f"CREATE TEMP TABLE strata_outgoing AS {query}", list(values))
        if table[0] == PLATFORM:
            rows = self.local(f"SELECT * FROM temp.strata_outgoing LIMIT {_FEW + 1}")
            if len(rows) <= _FEW:
                return self._insert_each(table, rows, _listed(routed.tree))
        return [(self.append(table, "temp.strata_outgoing", _listed(routed.tree)),)]

    def _insert_each(self, table: Table, rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
        """Write few rows of the platform's own by statements: a load, staged and proven, takes ten times as long."""
        names = columns or tuple(row[0] for row in self.local("DESCRIBE temp.strata_outgoing"))
        listed, marks = ", ".join(map(bracketed, names)), ", ".join("?" * len(names))
        statement = written(f"INSERT INTO {there(table)} ({listed}) VALUES ({marks})")
        with self.transaction():
            for row in rows:
                self.remote_rows(statement, row)
        return [(len(rows),)]

    def append(self, table: Table, relation: str, columns: Sequence[str] = (), condition: str = "") -> int:
        """Load a relation of DuckDB into a table of the server, by position if ``columns`` are named, and prove it.

        ``condition`` tells its rows from those that the table has: they go straight there. Without one they are
        loaded beside it first.
        """
        found = {row[0]: row[1] for row in self.local(f"DESCRIBE SELECT * FROM {relation}")}
        if columns and tuple(columns) != tuple(found):
            renamed = ", ".join(f"{quote(o)} AS {quote(n)}" for o, n in zip(found, columns, strict=True))
            relation = f"(SELECT {renamed} FROM {relation})"
            found = dict(zip(columns, found.values(), strict=True))
        rows = Rows(self.con, relation, found)
        with self.transaction():
            count = self._load(rows, table, condition=condition) if condition else self._staged(rows, table)
            for statement in after_load(table, count, self.capabilities):
                self.run(statement)
            return count

    def _staged(self, rows: Rows, table: Table) -> int:
        listed = ", ".join(bracketed(name) for name in rows.columns)
        staged = f"#strata_staged_{uuid4().hex[:8]}"
        self.run(f"SELECT {listed} INTO {staged} FROM {there(table)} WHERE 1 = 0")
        self._to_drop.append(staged)
        count = self._load(rows, ("", staged), meant=table)
        self.run(f"INSERT INTO {there(table)} ({listed}) SELECT {listed} FROM {staged}")
        return count

    def _load(self, rows: Rows, table: Table, *, condition: str = "", meant: Table | None = None) -> int:
        paths = self.paths or ways(self.capabilities, self.connect)
        return load(self.remote, rows, table, paths, condition=condition, meant=meant)

    def _on_copies(self, sql: str, routed: Routed, values: Sequence[object]) -> list[Row]:
        borrowed = self.copies.borrowed
        if routed.writes - borrowed:
            message = f"The statement writes {sorted(routed.writes)} from tables of both sides: {sql.strip()[:200]}"
            raise StrataError(message, "This is a fault of the engine: a working copy is missing.")
        with self.copies.whole(routed.reads - borrowed):
            return self.local(sql, values)


def _listed(tree: exp.Expr) -> tuple[str, ...]:
    """Return the columns that an INSERT names; none where it goes by name."""
    schema = tree.this
    return tuple(column.name for column in schema.expressions) if isinstance(schema, exp.Schema) else ()


def _as_ours(reader: Any) -> str:  # noqa: ANN401 - an Arrow reader
    """The driver gives instants of datetime2(7) in nanoseconds."""
    return ", ".join(
        f"CAST({quote(item.name)} AS TIMESTAMP) AS {quote(item.name)}" if str(item.type) == "timestamp[ns]"
        else quote(item.name)
        for item in reader.schema
    )  # fmt: skip
