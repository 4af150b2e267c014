"""Runs scripts for one tenant as a close would, in a scratch place, and says what came of each.

What a script reads of finance is built by its own script first, as the next close will, or taken as the
tenant's last close has it. A script that fails stops only those that read its tables.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orchestration.failures import StrataError
from orchestration.names import FINANCE, Table, qualified
from orchestration.scripts.checks_file import Check
from orchestration.scripts.close.outcome import CheckOutcome
from orchestration.scripts.close.plan import Plan, PlannedScript, require_fresh
from orchestration.scripts.engine import Engine
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.outline import outline
from orchestration.scripts.problems import Problem, refusal
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.review.on_warehouse import Elsewhere
from orchestration.scripts.review.selection import require_built
from orchestration.scripts.source import Script
from orchestration.scripts.types import Columns
from orchestration.warehouse.protocol import Session

_SHOWN = 5


@dataclass(frozen=True)
class Tried:
    """What one script did. ``tables`` are what it built, with their columns; ``faults`` say why it did not.

    ``kept``: it was not run, and its tables are those of the tenant's last close.
    """

    script: PlannedScript
    tables: Mapping[Table, Columns] = field(default_factory=dict)
    seconds: float = 0.0
    faults: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    kept: bool = False


@dataclass
class Trial:
    """One tenant's turn in the scratch place ``schema``; ``closed`` are columns of its last close, by table.

    ``server`` is where scripts run, if not on the session's DuckDB.
    """

    session: Session
    plan: Plan
    turn: Turn
    engine: Engine
    schema: str
    closed: Mapping[Table, Mapping[str, str]] = field(default_factory=dict)
    server: Elsewhere | None = None
    built: dict[Table, Columns] = field(default_factory=dict)
    kept: dict[Table, Columns] = field(default_factory=dict)
    failed: set[Table] = field(default_factory=set)

    def run(self, scripts: Collection[PlannedScript], asked: Collection[PlannedScript] = ()) -> list[Tried]:
        """Run scripts in the order given; those ``asked`` for are run even where their last close would do."""
        return [self._script(item, is_asked=item in asked) for item in scripts]

    def _script(self, item: PlannedScript, *, is_asked: bool) -> Tried:
        began = time.perf_counter()
        try:
            self._require_fresh(item)
            program = self._compiled(item.script)
        except StrataError as error:
            return self._failed(item, (str(error),), began)
        problems = sorted({*item.problems, *program.problems})
        warnings = tuple(problem for problem in problems if problem.severity == "warning")
        if errors := tuple(str(problem) for problem in problems if problem.severity == "error"):
            return self._failed(item, errors, began)
        if not is_asked and self._is_kept(program):
            self.kept.update(program.writes)
            return Tried(item, kept=True)
        try:
            self._execute(program)
        except StrataError as error:
            return self._failed(item, (str(error),), began)
        self.built.update(program.writes)
        return Tried(item, program.writes, time.perf_counter() - began, (), warnings)

    def checks(self, item: PlannedScript) -> tuple[CheckOutcome, ...]:
        """Run a built script's checks."""
        return tuple(self._check(item, check) for check in item.checks)

    def _failed(self, item: PlannedScript, faults: tuple[str, ...], began: float) -> Tried:
        self.failed.update(item.writes)
        return Tried(item, seconds=time.perf_counter() - began, faults=faults)

    def _require_fresh(self, item: PlannedScript) -> None:
        require_built(self.plan, item)
        require_fresh(item, self.failed)

    def _execute(self, program: Program) -> None:
        if self.server:
            self.server.run(program, self.schema)
        else:
            run_program(self.session.con, program, self.turn, self.engine.personal, self.schema)

    def _compiled(self, script: Script) -> Program:
        reads = [table for table in outline(script).reads if table[0] != FINANCE]
        catalog = {**self.engine.listed(reads), **self.engine.visible(reads), **self.kept}
        return compile_script(script, catalog, self.built)

    def _is_kept(self, program: Program) -> bool:
        """Say whether the last close has a script's tables as it would build them now, from tables that are kept."""
        stored = {
            table: {name: kind.duckdb for name, kind in columns.items()} for table, columns in program.writes.items()
        }
        same = all(self.closed.get(table) == columns for table, columns in stored.items())
        return same and not any(table in self.built for table in program.reads)

    def _check(self, item: PlannedScript, check: Check) -> CheckOutcome:
        try:
            if check.problems:
                raise refusal(check.problems)
            program = self._compiled(check.query)
            self._execute(program)
        except StrataError as error:
            return CheckOutcome(item, check, fault=str(error))
        place = qualified((self.schema, check.table[1]))
        columns, con = program.writes[check.table], self.session.con
        (rows,) = con.execute(f"SELECT count(*) FROM {place}").fetchall()[0]
        found = con.execute(f"SELECT * FROM {place} LIMIT {_SHOWN}").fetchall()
        con.execute(f"DROP TABLE {place}")
        sample = [dict(zip(columns, row, strict=True)) for row in found]
        return CheckOutcome(item, check, int(rows), json.dumps(sample, default=str, ensure_ascii=False))
