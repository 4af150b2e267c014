"""Tries a script, or all, on one tenant's data: what would the next close build, and would its checks hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestration.runtime import Runtime
from orchestration.scripts.close.plan import read_plan
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.scratch import scratch
from orchestration.scripts.review.selection import needed, script_named
from orchestration.scripts.review.setting import scripts_folder, stage
from orchestration.scripts.review.summary import Summary, summary
from orchestration.scripts.review.trial import Trial, Tried


@dataclass(frozen=True)
class Request:
    """What is tried: ``script`` by its name (all when empty), and so many rows of each table are shown.

    ``from_close``: tables of other scripts are read from the tenant's close, if it is as of this very day.
    """

    turn: Turn
    script: str = ""
    limit: int = 3
    from_close: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it; ``tables`` are those of the scripts asked for, ``others`` ran or were kept for their sake."""

    tried: Sequence[Tried]
    others: Sequence[Tried]
    tables: Sequence[Summary]

    @property
    def is_well(self) -> bool:
        """Whether everything was built and every check holds."""
        built = not any(item.faults for item in (*self.tried, *self.others))
        return built and all(check.passed for item in self.tried for check in item.checks)


def try_scripts(runtime: Runtime, request: Request) -> Result:
    """Run what is asked for, and what it needs, and leave no trace.

    Raises:
        SettingsError: there is no such script.
        ScriptRefused: scripts read each other in a circle.
        Busy: somebody else held the warehouse for too long.
    """
    plan = read_plan(scripts_folder(runtime))
    asked = [script_named(plan, request.script)] if request.script else list(plan.scripts)
    with stage(runtime, "trial of scripts") as here, scratch(here.session.con) as place:
        closed = here.closed(request.turn) if request.from_close else {}
        trial = Trial(here.session, plan, request.turn, here.personal, place, closed)
        tried = trial.run(needed(plan, asked, with_checks=True), asked)
        mine = [_checked(trial, item) for item in tried if item.script in asked]
        tables = [
            summary(here.session.con, place, table, columns, request.limit)
            for item in mine
            for table, columns in item.tables.items()
        ]
    return Result(mine, [item for item in tried if item.script not in asked], tables)


def _checked(trial: Trial, item: Tried) -> Tried:
    return replace(item, checks=trial.checks(item.script)) if item.tables else item
