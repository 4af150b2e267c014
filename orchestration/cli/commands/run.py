"""``strata run``: a whole day through the Dagster jobs themselves; ``make run`` is this."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer

from orchestration import simulators
from orchestration.bronze.admission import Admission
from orchestration.bronze.roster import Muster
from orchestration.cli.console import print_json, say, warn
from orchestration.cli.day_end import print_end
from orchestration.cli.day_summary import drift_since, read_mark, summarize
from orchestration.cli.day_table import print_day
from orchestration.cli.exit_codes import INTERRUPTED, ExitCode
from orchestration.cli.output_aside import output_aside
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
    jobs = _day(runtime, log)
    if jobs is None:
        warn("Interrupted: what was loaded and built is whole, and `make run` goes on from there.")
        raise typer.Exit(INTERRUPTED)
    lines, drift = summarize(runtime, mark, [job.run_id for job in jobs]), drift_since(runtime, mark)
    if as_json:
        tables = [asdict(line) for line in lines]
        noted = [item._asdict() for item in drift]
        print_json({"jobs": [asdict(job) for job in jobs], "tables": tables, "left_out": left_out, "drift": noted})
    else:
        for text in (*left_out, ""):
            say(text)
        print_day(lines)
        say("")
        print_end(jobs, drift, time.perf_counter() - started, log)
    raise typer.Exit(ExitCode.OK if all(job.ok for job in jobs) else ExitCode.FAILED)


def _day(runtime: Runtime, log: Path) -> list[JobRun] | None:
    """Run the jobs; ``None`` after Ctrl-C."""
    with output_aside(log) as terminal:
        tell = partial(_tell, terminal)
        try:
            return main_job(runtime.settings, lambda: _advance(runtime, tell), tell)
        except KeyboardInterrupt:
            terminal.write("\n")  # after the terminal's ^C
        gc.collect()  # what dagster-dbt left half-read complains as it is thrown away: into the file as well
        return None


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


def _advance(runtime: Runtime, tell: Callable[[str], None]) -> None:
    day = simulators.advance(runtime.settings, runtime.sources)
    tell(f"the simulated company moves on to business day {day}")


def _tell(terminal: TextIO, what: str) -> None:
    """Say what begins: a whole day takes a minute or two, and silence looks like a fault."""
    terminal.write(f"· {what}\n")
