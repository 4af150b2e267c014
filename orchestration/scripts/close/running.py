"""Runs all scripts of a close for one tenant, and the checks of those that passed.

A script that fails does not stop those that do not read its tables, so that one morning shows all faults.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from orchestration.failures import ScriptRefused, StrataError
from orchestration.names import FINANCE, Table, qualified
from orchestration.quality.masking import Masking
from orchestration.scripts.checks_file import Check
from orchestration.scripts.close.executing import Prepared, Preparing, work
from orchestration.scripts.close.outcome import CheckOutcome, ScriptOutcome
from orchestration.scripts.close.plan import Plan, PlannedScript, require_fresh
from orchestration.scripts.engine import TurnOf
from orchestration.scripts.problems import Problem, refusal
from orchestration.scripts.types import Columns
from orchestration.warehouse.protocol import Session

_SHOWN = 5


@dataclass(frozen=True)
class Surroundings:
    """How scripts are prepared, and what a sample of rows may show."""

    preparing: Preparing
    masking: Masking


@dataclass
class TenantRun:
    """One tenant's turn; ``last`` are the tables, with their scripts, of the close that readers see."""

    session: Session
    plan: Plan
    turn: TurnOf
    around: Surroundings
    last: Mapping[Table, str]
    built: dict[Table, Columns] = field(default_factory=dict)
    failed: set[Table] = field(default_factory=set)

    def outcomes(self) -> tuple[ScriptOutcome, ...]:
        """Run every script, and then the checks, and return what each did."""
        found = [self._script(script) for script in self.plan.scripts]
        return tuple(replace(item, checks=self._checks(item)) for item in found)

    def _script(self, script: PlannedScript) -> ScriptOutcome:
        began = time.perf_counter()
        try:
            prepared = self._prepared(script)
            if isinstance(prepared, ScriptOutcome):
                return prepared
            rows = self.turn.run(prepared.translated)
            columns = {table: _own_columns(self.turn, script, table) for table in rows}
        except StrataError as error:
            self.failed.update(script.writes)
            return ScriptOutcome(script, "failed", seconds=time.perf_counter() - began, message=str(error))
        self.built.update(prepared.translated.writes)
        return ScriptOutcome(script, "built", rows, columns, prepared.lineage, time.perf_counter() - began)

    def _prepared(self, script: PlannedScript) -> Prepared | ScriptOutcome:
        """Return a script that can be run, or that it is left out: it cannot be, and nothing would lack its tables.

        Raises:
            ScriptRefused: it cannot be run, and something would.
        """
        problems = self._problems(script)
        if not problems:
            require_fresh(script, self.failed)
        try:
            if problems:
                raise refusal(problems)
            return self.around.preparing.prepared(script.script, self.built)
        except ScriptRefused as error:
            if self._is_missed(script):
                raise
            return ScriptOutcome(script, "left out", message=str(error))

    def _is_missed(self, script: PlannedScript) -> bool:
        """Say whether a close without this script would lack something: what readers have, or a script reads."""
        rivals = self.plan.rivals(script)
        own = tuple(table for table in script.writes if self.last.get(table) not in rivals.get(table, ()))
        is_shown = script.name in self.last.values() or any(table in self.last for table in own)
        return is_shown or bool(self.plan.readers(own))

    def _problems(self, script: PlannedScript) -> tuple[Problem, ...]:
        """Return what keeps a script from being run: not another one for its table, if readers have it from this."""
        if all(self.last.get(table) == script.name for table in self.plan.rivals(script)):
            return tuple(problem for problem in script.problems if problem not in script.rivalry)
        return script.problems

    def _checks(self, item: ScriptOutcome) -> tuple[CheckOutcome, ...]:
        if item.status != "built":
            unbuilt = "its script was not built"
            return tuple(CheckOutcome(item.script, check, fault=unbuilt, is_due=False) for check in _of(item))
        return tuple(self._check(item.script, check) for check in _of(item))

    def _check(self, script: PlannedScript, check: Check) -> CheckOutcome:
        try:
            if check.problems:
                raise refusal(check.problems)
            (rows,) = self.turn.run(self.around.preparing.prepared(check.query, self.built).translated).values()
        except StrataError as error:
            return CheckOutcome(script, check, fault=str(error))
        sample = self._sample(check.table) if rows else ""
        self.session.execute(f"DROP TABLE {qualified(work(check.table))}")
        return CheckOutcome(script, check, rows, sample)

    def _sample(self, table: Table) -> str:
        """Return some of the rows that a check has found, as JSON."""
        names = list(self.turn.columns(table))
        found = self.session.execute(f"SELECT * FROM {qualified(work(table))} LIMIT {_SHOWN}")
        return self.around.masking.sample([dict(zip(names, row, strict=True)) for row in found])


def _of(item: ScriptOutcome) -> Collection[Check]:
    """Return the checks that count: those of a script that is left out are left out with it."""
    return () if item.status == "left out" else item.script.checks


def _own_columns(turn: TurnOf, script: PlannedScript, table: Table) -> Mapping[str, str]:
    """Return a built table's columns.

    Raises:
        ScriptRefused: one has a name of the platform's.
    """
    columns = turn.columns(table)
    for name in columns:
        if name.startswith("_"):
            message = f"{script.script.path}: {FINANCE}.{table[1]}: column {name} begins with an underscore."
            raise ScriptRefused(message, "Such names are the platform's; give it another one.")
    return columns
