"""Tries a script, or all, on one tenant's data: what would the next close build, and would its checks hold?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from orchestration.failures import SettingsError
from orchestration.names import FINANCE, Table
from orchestration.runtime import Runtime
from orchestration.scripts.close.plan import PlannedScript, read_plan
from orchestration.scripts.execution import Turn
from orchestration.scripts.outline import outline
from orchestration.scripts.review.comparison import Built, compare
from orchestration.scripts.review.looking import is_query, query_script
from orchestration.scripts.review.on_warehouse import elsewhere
from orchestration.scripts.review.scratch import scratch
from orchestration.scripts.review.selection import needed, script_named
from orchestration.scripts.review.server import Server, connected
from orchestration.scripts.review.setting import scripts_folder, stage
from orchestration.scripts.review.summary import Summary, summary
from orchestration.scripts.review.table_difference import TableDifference
from orchestration.scripts.review.trial import Trial, Tried

_EXAMPLES = 5


@dataclass(frozen=True)
class Request:
    """What is tried: ``script`` by its name, or a SELECT (all when empty), and so many rows of each table are shown.

    ``from_close``: tables of other scripts are read from the tenant's close, if it is as of this very day.
    ``on_server``: on the trial server that the settings name, beside an embedded warehouse.
    """

    turn: Turn
    script: str = ""
    limit: int = 3
    from_close: bool = False
    on_server: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it; ``tables`` are those of the scripts asked for, ``others`` ran or were kept for their sake.

    ``compared``: on a server, how its tables differ from those that DuckDB builds (A) of the same rows.
    """

    tried: Sequence[Tried]
    others: Sequence[Tried]
    tables: Sequence[Summary]
    compared: Sequence[TableDifference] = ()

    @property
    def is_well(self) -> bool:
        """Whether everything was built and every check holds."""
        built = not any(item.faults for item in (*self.tried, *self.others))
        same = not any(table.is_changed for table in self.compared)
        return built and same and all(check.passed for item in self.tried for check in item.checks)


def try_scripts(runtime: Runtime, request: Request) -> Result:
    """Run what is asked for, and what it needs, and leave no trace.

    Raises:
        SettingsError: there is no such script, or none at all.
        Busy: somebody else held the warehouse for too long.
    """
    plan = read_plan(scripts_folder(runtime))
    if not plan.scripts:
        raise SettingsError("There is no script of financial gold.", f"Write one into {scripts_folder(runtime)}.")
    if is_query(request.script):
        asked = [query_script(request.script)]
        plan = replace(plan, scripts=(*plan.scripts, *asked))
    else:
        asked = [script_named(plan, request.script)] if request.script else list(plan.scripts)
    with (
        stage(runtime, "trial of scripts") as here,
        scratch(here.session.con) as place,
        elsewhere(here.session, here.engine, request.turn) as there,
    ):
        is_beside = request.on_server and here.session.is_embedded
        closed = here.closed(request.turn) if request.from_close and not is_beside else {}
        trial = Trial(here.session, plan, request.turn, here.engine, place, closed, there)
        return _on_server(runtime, trial, asked, request) if is_beside else _result(trial, asked, request.limit)


def _result(trial: Trial, asked: Collection[PlannedScript], limit: int) -> Result:
    tried = trial.run(needed(trial.plan, asked, with_checks=True), asked)
    mine = [_checked(trial, item) for item in tried if item.script in asked]
    tables = [
        summary(trial.session.con, trial.schema, table, columns, limit)
        for item in mine
        for table, columns in item.tables.items()
    ]
    return Result(mine, [item for item in tried if item.script not in asked], tables)


def _on_server(runtime: Runtime, trial: Trial, asked: Collection[PlannedScript], request: Request) -> Result:
    """Run on the server, and on DuckDB too, and compare."""
    address, con = runtime.settings.scripts_server, trial.session.con
    if address is None:
        raise SettingsError("No T-SQL server is named.", "Set STRATA_SCRIPTS_SERVER to an ODBC connection string.")
    folder = runtime.settings.home / "odbc"
    scripts = needed(trial.plan, asked, with_checks=True)
    texts = [*(item.script for item in scripts), *(check.query for item in asked for check in item.checks)]
    inputs = {table for text in texts for table in outline(text).reads if table[0] != FINANCE}
    with connected(address.get_secret_value(), folder) as remote, scratch(con, "server") as place:
        there = Server(remote, con, trial.turn, trial.engine.personal, inputs)
        on_server = Trial(trial.session, trial.plan, trial.turn, trial.engine, place, server=there)
        result, own = _result(on_server, asked, request.limit), _result(trial, asked, 0)
        a, b = _built(own, trial.schema), _built(result, place)
        compared = [compare(con, table, a.get(table), b.get(table), _EXAMPLES) for table in dict.fromkeys((*a, *b))]
    return replace(result, compared=compared)


def _built(result: Result, schema: str) -> dict[Table, Built]:
    return {table.table: Built(schema, table.columns) for table in result.tables}


def _checked(trial: Trial, item: Tried) -> Tried:
    return replace(item, checks=trial.checks(item.script)) if item.tables else item
