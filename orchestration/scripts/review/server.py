"""Runs scripts on a T-SQL server as they are written, on a copy of what they read, in one transaction that is undone.

The copy holds one tenant's rows without platform columns, as scripts see them. What a script builds there is
read back, so that it can be shown and compared as what DuckDB builds is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.failures import SettingsError
from orchestration.names import FINANCE_WORK, Table, qualified, quote
from orchestration.scripts.execution import Turn
from orchestration.scripts.program import Program
from orchestration.scripts.scope import Personal, tenant_scope, visible
from orchestration.scripts.sending import Sending
from orchestration.scripts.tables import scope_view
from orchestration.scripts.tsql import Placing
from orchestration.scripts.types import Columns
from orchestration.warehouse.odbc import register_driver

_MOST_ROWS, _MOST_PARAMETERS = 1_000, 2_000
"""What the server takes in one INSERT (a little less, of parameters)."""


@dataclass
class Server:
    """A transaction on the server; ``inputs`` are the tables, not of finance, that scripts will read there.

    ``built`` are tables of scripts, which are read back to this side. An error undoes what the server has: it is
    copied again.
    """

    remote: Any
    local: duckdb.DuckDBPyConnection
    turn: Turn
    personal: Personal | None
    inputs: Collection[Table]
    is_ready: bool = False
    built: dict[Table, Columns] = field(default_factory=dict)

    def run(self, program: Program, schema: str) -> None:
        """Run a script's own text, and read its tables back into ``schema`` of the local connection.

        Raises:
            ScriptRefused: the server refused a statement; names file, line and column.
        """
        import pyodbc  # noqa: PLC0415 - needs a system library that only a server's users have

        placing = Placing({*self.built, *program.writes})
        sending = Sending(program.script, placing, self.turn.as_of, self.remote.cursor())
        self._prepare(schema)
        try:
            sending.send()
            for table, columns in program.writes.items():
                self._read_back(table, columns, schema)
            sending.drop_temporary()
        except pyodbc.Error as error:
            self._undo()
            self._prepare(schema)
            raise sending.refusal(str(error.args[-1]), self._undo) from error

    def _undo(self) -> None:
        self.remote.rollback()
        self.is_ready = False

    def _prepare(self, schema: str) -> None:
        """Copy what scripts read, and after an error what they have built, before the next one runs."""
        if self.is_ready:
            return
        columns = visible(self.local, self.inputs, self.personal)
        for name in sorted({FINANCE_WORK, *(table[0] for table in columns)}):
            self.remote.execute(f"CREATE SCHEMA [{name}]")
        with tenant_scope(self.local, self.turn.tenant, self.turn.as_of, columns, self.personal) as scope:
            for table, kinds in columns.items():
                self._copy(scope, ("temp", scope_view(table)), table, kinds)
        for table, kinds in self.built.items():
            self._copy(self.local, (schema, table[1]), (FINANCE_WORK, table[1]), kinds)
        self.is_ready = True

    def _copy(self, con: duckdb.DuckDBPyConnection, source: Table, target: Table, columns: Columns) -> None:
        listed = ", ".join(f"[{name}] {kind.tsql}" for name, kind in columns.items())
        self.remote.execute(f"CREATE TABLE {_there(target)} ({listed})")
        found = con.execute(f"SELECT * FROM {qualified(source)}")
        while rows := found.fetchmany(min(_MOST_ROWS, _MOST_PARAMETERS // len(columns))):
            values = ", ".join(f"({', '.join('NULL' if value is None else '?' for value in row)})" for row in rows)
            known = [value for row in rows for value in row if value is not None]
            self.remote.execute(f"INSERT INTO {_there(target)} VALUES {values}", known)

    def _read_back(self, table: Table, columns: Columns, schema: str) -> None:
        place = (FINANCE_WORK, table[1])
        rows = [tuple(row) for row in self.remote.execute(f"SELECT * FROM {_there(place)}").fetchall()]
        # pyarrow finds each column's type; one without a value takes the table's.
        data = pa.table(
            [pa.array([row[n] for row in rows]) for n in range(len(columns))], [*map(str, range(len(columns)))]
        )
        items = [
            f"CAST({quote(str(number))} AS {kind.duckdb}) AS {quote(name)}"
            for number, (name, kind) in enumerate(columns.items())
        ]
        self.local.register("strata_from_server", data)
        self.local.execute(
            f"CREATE TABLE {qualified((schema, table[1]))} AS SELECT {', '.join(items)} FROM strata_from_server"
        )
        self.local.unregister("strata_from_server")
        if table[1].startswith("check "):
            self.remote.execute(f"DROP TABLE {_there(place)}")
            return
        self.built[table] = columns


@contextmanager
def connected(address: str, folder: Path) -> Iterator[Any]:
    """Begin a transaction in the database that an ODBC connection string names; all of it is undone at the end.

    ``folder`` is where the driver of an installed wheel may be registered.

    Raises:
        SettingsError: the driver is missing, or the server does not answer.
    """
    register_driver(folder)
    try:
        import pyodbc  # noqa: PLC0415 - needs a system library that only a server's users have

        remote = pyodbc.connect(address, autocommit=False, timeout=20)
    except ImportError as error:
        raise SettingsError(f"The ODBC driver manager cannot be loaded: {error}.", "Install unixODBC.") from error
    except pyodbc.Error as error:
        message = f"The T-SQL server does not answer: {error.args[-1]}"
        raise SettingsError(message, "Check STRATA_SCRIPTS_SERVER.") from error
    try:
        yield remote
    finally:
        remote.rollback()
        remote.close()


def _there(table: Table) -> str:
    return f"[{table[0]}].[{table[1]}]"
