"""``strata run``: a whole day through the Dagster jobs themselves; ``make run`` is this."""

from __future__ import annotations

import time
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Annotated

import typer

from orchestration import simulators
from orchestration.bronze.admission import Admission
from orchestration.bronze.roster import Muster
from orchestration.cli.console import coloured, errors, print_json, print_table, say
from orchestration.cli.day_summary import Line, read_mark, summarize
from orchestration.cli.day_table import print_day
from orchestration.cli.exit_codes import ExitCode
from orchestration.contracts.source import Mode
from orchestration.definitions.main_job import JobRun, main_job
from orchestration.definitions.outcome import LeftOut
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()


@app.command()
def run(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Load every source daily, build, run the financial scripts, advance the world, load hourly, build, deliver."""
    runtime = open_runtime()
    started = time.perf_counter()
    mark, left_out = read_mark(runtime), _left_out(runtime)
    log = runtime.settings.home / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # dbt tells every model and test on standard output; here the tables below say it shorter.
    with log.open("w", encoding="utf-8") as file, redirect_stdout(file):
        jobs = main_job(runtime.settings, lambda: _advance(runtime), _tell)
    lines = summarize(runtime, mark, [job.run_id for job in jobs])
    failed = [job for job in jobs if not job.ok]
    if as_json:
        print_json(
            {"jobs": [asdict(job) for job in jobs], "tables": [asdict(line) for line in lines], "left_out": left_out}
        )
    else:
        for text in left_out:
            say(text)
        _show(jobs, lines, time.perf_counter() - started)
        if failed:
            say(f"What dbt said on the way: {log}")
    raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)


def _left_out(runtime: Runtime) -> list[str]:
    """Say whom the day's loads leave out, and why."""
    admission, found = Admission(runtime), LeftOut()
    modes: tuple[Mode, ...] = ("daily", "hourly")
    absences = {
        absence
        for source in runtime.sources
        for mode in modes
        for absence in Muster(runtime, source, mode, (), admission).call().left_out.items()
    }
    for tenant, reason in sorted(absences):
        found.add(tenant, reason)
    return found.lines()


def _advance(runtime: Runtime) -> None:
    day = simulators.advance(runtime.settings, runtime.sources)
    _tell(f"the simulated company moves on to business day {day}")


def _tell(what: str) -> None:
    """Say what begins: a whole day takes a minute or two, and silence looks like a fault."""
    errors.print(f"· {what}", markup=False, soft_wrap=True)


def _show(jobs: list[JobRun], lines: list[Line], seconds: float) -> None:
    say("")
    print_day(lines)
    say("")
    rows = [
        (job.job, coloured("ok" if job.ok else "failed", "green" if job.ok else "bold red"), f"{job.seconds:.1f}")
        for job in jobs
    ]
    print_table(("job", "result", "s"), rows, numbers=("s",))
    say("")
    failed = [job for job in jobs if not job.ok]
    for job in jobs:
        if job.note:
            say(f"{job.job}: {job.note}")
    for job in failed:
        say(f"{job.job} failed: {job.fault}", style="bold red")
    verdict = f"{len(failed)} of {len(jobs)} jobs failed" if failed else f"All {len(jobs)} jobs went well"
    say(f"{verdict} in {seconds:.0f} s.", style="bold")
    say("Next: `make ui` shows these runs and the tables' lineage; `strata status` how fresh everything is;")
    say("`make run` again loads the next day; docs/README.md says the rest.")
