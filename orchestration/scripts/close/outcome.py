"""What a close is asked for, and what came of it: by tenant, by script and by check."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from orchestration.failures import FailureClass
from orchestration.names import Table
from orchestration.scripts.checks_file import Check
from orchestration.scripts.close.plan import Plan, PlannedScript

if TYPE_CHECKING:
    from orchestration.scripts.lineage.columns import ColumnSources


@dataclass(frozen=True)
class CloseRequest:
    """Close ``as_of`` a business day, for all tenants or those named.

    A day that is closed already takes a ``reason``. A day before the one that readers see goes into
    history alone, unless ``show_older`` lets them see it. ``build_id`` names the run. ``own_days`` are those of
    tenants that live on another calendar.
    """

    as_of: date
    tenants: Collection[str] | None = None
    reason: str = ""
    show_older: bool = False
    who: str = ""
    build_id: str = ""
    own_days: Mapping[str, date] = field(default_factory=dict)

    def of(self, tenant: str) -> CloseRequest:
        """Return the request as it is for a tenant: as of its own day."""
        return replace(self, as_of=self.own_days.get(tenant, self.as_of))


@dataclass(frozen=True)
class CheckOutcome:
    """How many offending rows a check found, and some of them: ``sample`` is JSON with personal data masked.

    ``fault`` says why it could not be judged. A check whose script was not built is not due: the script's own
    failure tells of it.
    """

    script: PlannedScript
    check: Check
    rows: int = 0
    sample: str = ""
    fault: str = ""
    is_due: bool = True

    @property
    def passed(self) -> bool:
        """Whether it lets the close go on."""
        return not self.fault and self.rows <= self.check.tolerance

    @property
    def sentence(self) -> str:
        """What was found, in a line."""
        if self.fault:
            return f"{self.script.name}: {self.check.title}: cannot be judged: {self.fault}"
        sample = f", such as {self.sample}" if self.sample else ""
        return f"{self.script.name}: {self.check.title}: {self.rows} {'row' if self.rows == 1 else 'rows'}{sample}"


@dataclass(frozen=True)
class ScriptOutcome:
    """What one script did for one tenant; ``rows``, ``columns`` and ``lineage`` are by the table it wrote.

    ``columns`` are names and types, ``lineage`` the columns that each of them is made of.
    A script that is ``left out`` cannot be run, and nothing depends on it: the close does without it.
    """

    script: PlannedScript
    status: Literal["built", "failed", "left out"]
    rows: Mapping[Table, int] = field(default_factory=dict)
    columns: Mapping[Table, Mapping[str, str]] = field(default_factory=dict)
    lineage: Mapping[Table, ColumnSources] = field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""
    checks: tuple[CheckOutcome, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether its tables may become part of the close."""
        return self.status != "failed" and all(check.passed for check in self.checks)

    @property
    def fault(self) -> str:
        """Why it failed, and how many checks nobody could come to; empty when it did not fail."""
        if self.status != "failed":
            return ""
        count = sum(not check.is_due for check in self.checks)
        unjudged = f"{count} {'check was' if count == 1 else 'checks were'} not judged." if count else ""
        return f"{self.message} {unjudged}".strip()

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        """The checks that keep it out of the close by themselves."""
        return [check for check in self.checks if check.is_due and not check.passed]


@dataclass(frozen=True)
class Closed:
    """One tenant's close. ``shown``: readers see it now; one of an older day goes into history alone.

    ``already closed``: that day is, and no reason was given to close it again. ``fault`` is of the close
    itself, beside those of its scripts.
    """

    tenant: str
    as_of: date
    status: Literal["closed", "failed", "already closed"]
    close_id: str = ""
    shown: bool = False
    scripts: tuple[ScriptOutcome, ...] = ()
    seconds: float = 0.0
    fault: str = ""

    @property
    def faults(self) -> list[str]:
        """What keeps it from being whole, in sentences."""
        failed = [item.fault for item in self.scripts if item.fault]
        checks = [check.sentence for item in self.scripts for check in item.failed_checks]
        return [*failed, *checks, *([self.fault] if self.fault else [])]

    @property
    def tables(self) -> dict[Table, ScriptOutcome]:
        """What it consists of: each table with what its script did; empty unless it is closed."""
        found = {table: item for item in self.scripts for table in item.rows}
        return found if self.status == "closed" else {}

    @property
    def failure_class(self) -> FailureClass:
        """The class of its worst fault: a script's before a check's."""
        broken = self.fault or any(item.fault for item in self.scripts)
        return FailureClass.SCRIPT if broken else FailureClass.QUALITY


@dataclass(frozen=True)
class Closing:
    """What came of a day's close: each tenant's, by name, and the scripts as they were.

    ``left_behind`` are days of these tenants that were never closed though a later one is.
    """

    plan: Plan
    tenants: tuple[Closed, ...]
    left_behind: tuple[tuple[str, date], ...] = ()

    @property
    def left_out(self) -> dict[str, ScriptOutcome]:
        """Scripts that cannot be run and that the closes did without, by name."""
        found = (item for closed in self.tenants for item in closed.scripts)
        return {item.script.name: item for item in found if item.status == "left out"}

    @property
    def is_whole(self) -> bool:
        """Whether every tenant's day is closed."""
        return all(closed.status != "failed" for closed in self.tenants)
