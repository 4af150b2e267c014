"""What ``strata run`` says below its tables: how the jobs ended, what drifted and failed, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestration.cli.console import coloured, print_table, say
from orchestration.cli.drift_told import Drifted
from orchestration.definitions.main_job import JobRun
from orchestration.full_disk import has_no_room, says_full_disk

_NEXT = {
    "warehouse_build": "mend the model or the rows that it names; `make run` builds again.",
    "financial_daily": "`strata sql check` names file, line and column, and what to write instead; then `strata close` "
    "closes the newest day.",
    "simulation": "mend what it names; then `strata simulation advance` moves the simulated company on.",
    "deliver": "`strata deliveries list` shows what waits and why; then `strata deliver --once`.",
}


def print_end(jobs: Sequence[JobRun], drift: Iterable[Drifted], seconds: float, log: Path) -> None:
    """Print the jobs' results and faults, a line each, and the commands to go on with."""
    rows = [
        (job.job, coloured("ok" if job.ok else "failed", "green" if job.ok else "bold red"), f"{job.seconds:.1f}")
        for job in jobs
    ]
    print_table(("job", "result", "s"), rows, numbers=("s",))
    say("")
    for note in dict.fromkeys(f"{job.job}: {job.note}" for job in jobs if job.note):
        say(note)
    for item in drift:
        say(str(item), style="yellow")
    failed = [job for job in jobs if not job.ok]
    for job in failed:
        for line in job.fault.splitlines():
            say(f"{job.job} failed: {line}", style="bold red")
    verdict = f"{len(failed)} of {len(jobs)} jobs failed" if failed else f"All {len(jobs)} jobs went well"
    say(f"{verdict} in {seconds:.0f} s.", style="bold")
    _print_next(failed, log)


def _print_next(failed: Sequence[JobRun], log: Path) -> None:
    if not failed:
        say("Next: `make ui` shows these runs and the tables' lineage; `strata status` how fresh everything is;")
        say("`make run` again loads the next day; docs/README.md says the rest.")
        return
    say("Next:")
    if has_no_room(log.parent) or any(says_full_disk(job.fault) for job in failed):
        say(f"  make room below {log.parent}; `make run` goes on from there.")
    else:
        for line in dict.fromkeys(f"  {job.job}: {_remedy(job.job)}" for job in failed):
            say(line)
    say(f"`make ui` shows the runs that failed; what dbt and Dagster said on the way: {log}")


def _remedy(job: str) -> str:
    source = job.rpartition("_")[0]
    load = f"`strata doctor --source {source}` finds what is wrong with it; then `strata load {source} --mode daily`."
    return _NEXT.get(job, load)
