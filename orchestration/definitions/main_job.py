"""The platform's jobs in one process, on the persistent instance: what ``make run`` does without a daemon.

They are the very jobs that the schedules launch, so that their runs are seen in the
UI afterwards, tagged with their code location. The timeline alone leaves them out: it goes by an
origin that only a launched run has, and a launched run costs 4 CPU seconds for its process alone.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from orchestration.definitions.alerting import was_interrupted
from orchestration.definitions.delivery.job import OP, deliver
from orchestration.failures import StrataError
from orchestration.full_disk import has_no_room, is_full_disk
from orchestration.settings import PROJECT, Settings

WAREHOUSE, DELIVERY, SIMULATION = "warehouse", "delivery", "simulation"
# What a run has to say stands in its events; the terminal belongs to the caller.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class JobRun:
    """One finished run; ``fault`` is empty when it went well, ``seconds`` are wall-clock, ``note`` is what it says."""

    job: str
    run_id: str
    seconds: float
    fault: str = ""
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the run succeeded."""
        return not self.fault


OnStart = Callable[[str], None]


def main_job(settings: Settings, advance: Callable[[], object], on_start: OnStart = lambda _: None) -> list[JobRun]:
    """Run a whole day: daily loads, build, financial gold; ``advance`` the world; hourly loads, build; deliver twice.

    What fails does not stop what comes after; each run's fault is in its result. ``on_start``
    is told each job's name before it runs.

    Raises:
        KeyboardInterrupt: Ctrl-C ended a run; no other one is started.
    """
    with jobs(settings, on_start) as run:
        results = [run.load(source, "daily") for source in run.sources]
        results += [run.build(), run.financial(), run.deliver(), *move_on(advance)]
        results += [run.load(source, "hourly") for source in run.sources]
        return [*results, run.build(), run.deliver()]


def move_on(advance: Callable[[], object]) -> list[JobRun]:
    """Advance the simulated world: only a failure is told, and the day goes on with the world as it is."""
    started = time.perf_counter()
    try:
        advance()
    except StrataError as error:
        return [JobRun(SIMULATION, "", time.perf_counter() - started, str(error))]
    return []


@contextmanager
def jobs(settings: Settings, on_start: OnStart = lambda _: None) -> Iterator[Jobs]:
    """Open the persistent instance and the code locations of ``workspace.yaml``."""
    home = prepare_dagster_home(settings)
    with ThreadPoolExecutor(1) as pool, dg.DagsterInstance.from_config(str(home)) as instance:
        # dbt parses in a process of its own while the first loads wait for their sources.
        pool.submit(_parse_project, settings)
        yield Jobs(settings, instance, read_locations(PROJECT / "workspace.yaml"), on_start)


@dataclass(frozen=True)
class Jobs:
    """Runs jobs of the code locations, one after another."""

    settings: Settings
    instance: dg.DagsterInstance
    locations: Mapping[str, str]
    on_start: OnStart

    @property
    def sources(self) -> list[str]:
        """The source systems' locations."""
        return [name for name in self.locations if name not in (WAREHOUSE, DELIVERY)]

    def load(self, source: str, mode: str) -> JobRun:
        """Run ``<source>_<mode>``."""
        return self._run(source, f"{source}_{mode}", {"ops": {f"load_{source}": {"config": {"mode": mode}}}})

    def build(self) -> JobRun:
        """Run the warehouse build of what changed since the last one."""
        return self._run(WAREHOUSE, "warehouse_build", {}, self._changed)

    def financial(self) -> JobRun:
        """Run the financial scripts."""
        return self._run(WAREHOUSE, "financial_daily", {})

    def deliver(self) -> JobRun:
        """Run the deliveries of what was published."""
        return self._run(DELIVERY, deliver.name, {})

    def _changed(self) -> list[dg.AssetKey] | None:
        selection: list[dg.AssetKey] | None = import_module(
            "orchestration.definitions.transform.selection"
        ).pending_selection(self.settings)
        return selection

    def _run(
        self,
        location: str,
        job: str,
        config: Mapping[str, Any],
        select: Callable[[], list[dg.AssetKey] | None] = lambda: None,
    ) -> JobRun:
        self.on_start(job)
        started = time.perf_counter()
        try:
            definitions: dg.Definitions = import_module(self.locations[location]).defs
            result = definitions.resolve_job_def(job).execute_in_process(
                run_config={**config, **_QUIET},
                instance=self.instance,
                raise_on_error=False,
                asset_selection=select(),
                tags=_location_tags(location),
            )
        except Exception as error:  # noqa: BLE001 - a location that does not load is its own fault, told with the others
            # What Dagster's own files have no room for comes with the whole statement.
            no_room = is_full_disk(error) or has_no_room(self.settings.home)
            told = "A disk is full." if no_room else f"{type(error).__name__}: {error}"
            return JobRun(job, "", time.perf_counter() - started, told)
        if _was_interrupted(result):
            raise KeyboardInterrupt
        seconds = time.perf_counter() - started
        if not result.success:
            return JobRun(job, result.run_id, seconds, _fault(result))
        return JobRun(job, result.run_id, seconds, note=_note(result, job))


def _location_tags(location: str) -> dict[str, str]:
    """Return the tags by which the UI finds the runs of a job and of a location; a launched run gets them unasked."""
    return {".dagster/repository": f"__repository__@{location}", "dagster/code_location": location}


def read_locations(workspace: Path) -> dict[str, str]:
    """Return the code locations of a workspace file: name and module, in the file's order."""
    entries = yaml.safe_load(workspace.read_text(encoding="utf-8"))["load_from"]
    modules = [entry["python_module"] for entry in entries]
    return {module["location_name"]: module["module_name"] for module in modules}


def prepare_dagster_home(settings: Settings) -> Path:
    """Copy the instance's template to DAGSTER_HOME and return the folder."""
    settings.make_home()
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "infra" / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _parse_project(settings: Settings) -> None:
    import_module("orchestration.definitions.transform.project").read_project(settings)


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Say whether a person ended the run: to Dagster that is a failed step, after which the day would go on."""
    return any(was_interrupted(event) for event in result.all_events if event.is_step_failure)


def _note(result: dg.ExecuteInProcessResult, job: str) -> str:
    """Return what a run of deliveries says it did; the others show it in tables."""
    return str(result.output_for_node(OP)) if job == deliver.name else ""


def _fault(result: dg.ExecuteInProcessResult) -> str:
    """Return the first words of each failed step."""
    return "\n".join(_messages([event for event in result.all_events if event.is_step_failure])) or "failed"


def _messages(events: Sequence[dg.DagsterEvent]) -> Iterator[str]:
    for event in events:
        error = event.step_failure_data.error
        failure = event.step_failure_data.user_failure_data
        while error and error.cause:  # the outermost only says that an op failed
            error = error.cause
        yield (failure.description if failure else None) or (error.message if error else "") or event.message or ""
