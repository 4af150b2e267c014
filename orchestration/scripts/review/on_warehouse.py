"""Tries scripts on the server that the warehouse is, in a schema that nobody keeps.

What a script builds there is read back, so that it is shown and compared as what DuckDB builds is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from orchestration.names import Table, qualified, quote
from orchestration.scripts.engine import Engine, TurnOf
from orchestration.scripts.execution import Turn
from orchestration.scripts.program import Program
from orchestration.scripts.types import Columns
from orchestration.warehouse.protocol import Session

TRIAL = "finance_trial"
"""The schema on the server; like that of a close, it is empty before and after."""


class Elsewhere(Protocol):
    """A place that is not the session's DuckDB, where scripts run."""

    def run(self, program: Program, schema: str) -> None:
        """Run a script, and read its tables back into a schema of the session's DuckDB.

        Raises:
            ScriptRefused: a statement failed; names file, line and column.
        """
        ...


@contextmanager
def elsewhere(session: Session, engine: Engine, turn: Turn) -> Iterator[Elsewhere | None]:
    """Begin a tenant's turn on the server that the warehouse is; ``None`` on the embedded one."""
    if session.is_embedded:
        yield None
        return
    try:
        with engine.turn(turn) as there:
            yield OnWarehouse(session, engine, there)
    finally:
        engine.clear()


@dataclass(frozen=True)
class OnWarehouse:
    """One tenant's turn on the warehouse's server."""

    session: Session
    engine: Engine
    turn: TurnOf

    def run(self, program: Program, schema: str) -> None:
        """As declared."""
        self.turn.run(self.engine.prepared(program))
        for table, columns in program.writes.items():
            self._read_back(table, columns, schema)

    def _read_back(self, table: Table, columns: Columns, schema: str) -> None:
        con, there = self.session.con, qualified((TRIAL, table[1]))
        self.session.execute(f"CREATE TEMP TABLE strata_from_server AS SELECT * FROM {there}")
        typed = ", ".join(f"CAST({quote(name)} AS {kind.duckdb}) AS {quote(name)}" for name, kind in columns.items())
        con.execute(f"CREATE TABLE {qualified((schema, table[1]))} AS SELECT {typed} FROM temp.strata_from_server")
        con.execute("DROP TABLE temp.strata_from_server")
        if table[1].startswith("check "):
            self.session.execute(f"DROP TABLE {there}")
