"""Contests whose contestants start from a prepared home, and time only their own work.

A copy of the home is made before each run, outside the figure. Imports are outside it
too: these benchmarks ask what a load costs in a process that runs already.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from measurement import Run

from orchestration.bronze.ledger import LoadResult

FOLDER = Path(tempfile.gettempdir()) / "strata-bench"
"""Where benchmarks keep what they prepare; data that takes long to make is kept for the next run."""


def measured(work: Callable[[], object]) -> None:
    """Run the work, and print what it took as one line of JSON."""
    before, start = _cpu(), time.perf_counter()
    work()
    cpu, wall = _cpu() - before, time.perf_counter() - start
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_mb": peak_mb()}))


def prepared_contest(
    commands: Mapping[str, Sequence[str]], template: Path, home: Path, rounds: int
) -> dict[str, list[Run]]:
    """Run every command in turn on a fresh copy of the template; the first round only warms the caches."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, argv in commands.items():
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(template, home)
            done = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(os.environ))
            if done.returncode:
                sys.stderr.write(done.stdout + done.stderr)
                raise subprocess.CalledProcessError(done.returncode, list(argv))
            if number:
                runs[name].append(Run(**json.loads(done.stdout.splitlines()[-1])))
    shutil.rmtree(home, ignore_errors=True)
    return runs


def only(results: Sequence[LoadResult]) -> LoadResult:
    """Return the one result of a load that has to have worked."""
    (result,) = results
    if result.status != "loaded":
        raise RuntimeError(result.message)
    return result


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """Return this program's own peak: the rusage of a child counts the memory of the parent it was forked from."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
