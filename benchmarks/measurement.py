"""Measures contestants fairly: each run a fresh process, in turn, judged by the operating system's own accounts.

CPU seconds are the figure (user and system, children included); wall time is only
indicative on a shared machine. Contestants alternate, so that a machine that drifts
does so for all, and ratios are taken of medians within one contest.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished process: CPU and wall in seconds, peak resident memory in MB."""

    cpu: float
    wall: float
    peak_mb: float


@dataclass(frozen=True)
class Figure:
    """One contestant's medians; ``size`` is the number of rows.

    ``ratio`` is its CPU time over the peer's (or what ``note`` says): at most ``limit`` or at least ``least`` is asked.
    """

    benchmark: str
    contestant: str
    size: int
    cpu: float
    wall: float
    peak_mb: float
    runs: int
    peer: str = ""
    ratio: float | None = None
    limit: float | None = None
    note: str = ""
    least: float | None = None

    @property
    def asked(self) -> str:
        """What is asked of the ratio, in words."""
        if self.limit is not None:
            return f"≤ {self.limit:.3g} x"
        return "" if self.least is None else f"≥ {self.least:.3g} x"

    @property
    def falls_short(self) -> bool:
        """Whether the ratio is not what is asked."""
        if self.ratio is None:
            return False
        return (self.limit is not None and self.ratio > self.limit) or (
            self.least is not None and self.ratio < self.least
        )


def run_process(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; raises ``CalledProcessError`` with what it printed when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        argv, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.stderr.write(output.decode(errors="replace"))
        raise subprocess.CalledProcessError(process.returncode, list(argv))
    wall = time.perf_counter() - start
    # ru_maxrss is in KiB on Linux, in bytes on macOS.
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / unit)


def contest(commands: Mapping[str, Sequence[str]], rounds: int = 5) -> dict[str, list[Run]]:
    """Run every command once to warm the caches, then all of them in turn, ``rounds`` times.

    With one round there is no warming: that is for sizes where minutes count and caches do not.
    """
    if rounds > 1:
        for argv in commands.values():
            run_process(argv)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            runs[name].append(run_process(argv))
    return runs


def figure(benchmark: str, contestant: str, size: int, runs: Sequence[Run], **details: object) -> Figure:
    """Fold runs into one figure of medians (of the peak: the highest)."""
    return Figure(
        benchmark=benchmark,
        contestant=contestant,
        size=size,
        cpu=round(statistics.median(run.cpu for run in runs), 3),
        wall=round(statistics.median(run.wall for run in runs), 3),
        peak_mb=round(max(run.peak_mb for run in runs)),
        runs=len(runs),
        **details,  # type: ignore[arg-type]
    )


def report(figures: Sequence[Figure], out: Path | None) -> None:
    """Print figures, and append them to a results file as JSON lines."""
    for item in figures:
        ratio = "" if item.ratio is None else f"  {item.ratio:.2f} x {item.peer}"
        limit = f" (asked: {item.asked})" if item.asked else ""
        print(
            f"{item.benchmark:24} {item.contestant:28} {item.size:>12,} rows "
            f"{item.cpu:8.2f} CPU s {item.wall:8.2f} s {item.peak_mb:7.0f} MB{ratio}{limit} {item.note}"
        )
    if out:
        with out.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(asdict(item)) + "\n" for item in figures)
