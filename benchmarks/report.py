"""Turns a results file (JSON lines of :class:`measurement.Figure`) into ``docs/performance.md`` and its plot."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from measurement import Figure

PROJECT = Path(__file__).resolve().parent.parent
PLOT = PROJECT / "docs" / "images" / "performance.png"
PAGE = PROJECT / "docs" / "performance.md"

INTRODUCTION = """# Performance

Written by `make bench` on {day}: {cores} cores, {memory:.0f} GB of memory, {system}, Python {python}, DuckDB {duckdb},
pyarrow {pyarrow}.

Machines are noisy, so what counts is a *ratio* between contestants that ran in turn in one run, by CPU time: user and
system, children included. Each run is a fresh process; figures are medians, the peak of memory is the highest seen.
What each contestant does, and what is fair about it, stands in the docstring of its benchmark.

`asked` is the ratio that the project sets itself; **bold** marks what falls short of it.
"""


def read_figures(path: Path) -> list[Figure]:
    """Read the results; of a contestant measured twice at one size, the later counts."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    found = {(item["benchmark"], item["contestant"], item["size"], item["peer"]): Figure(**item) for item in lines}
    order = list(dict.fromkeys(name for name, *_ in found))
    return sorted(found.values(), key=lambda item: (order.index(item.benchmark), item.size))


def render_page(figures: Sequence[Figure]) -> str:
    """Return the page's Markdown."""
    intro = INTRODUCTION.format(
        day=datetime.now(UTC).date(),
        cores=os.cpu_count(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        system=platform.system(),
        python=platform.python_version(),
        duckdb=version("duckdb"),
        pyarrow=version("pyarrow"),
    )
    sections = [_section(name, list(group)) for name, group in groupby(figures, key=lambda item: item.benchmark)]
    picture = "\n![CPU time and peak memory by number of rows](images/performance.png)\n" if _growing(figures) else ""
    return intro + picture + "".join(sections)


def _section(name: str, figures: Iterable[Figure]) -> str:
    head = "| contestant | rows | CPU s | wall s | peak MB | ratio | asked | |\n|---|--:|--:|--:|--:|---|---|---|\n"
    return f"\n## {name}\n\n{head}" + "".join(_row(item) for item in figures)


def _row(item: Figure) -> str:
    ratio = "" if item.ratio is None else f"{item.ratio:.2f} x {item.peer}"
    if item.falls_short:
        ratio = f"**{ratio}**"
    cells = (
        item.contestant, f"{item.size:,}", f"{item.cpu:.2f}", f"{item.wall:.2f}", f"{item.peak_mb:.0f}",
        ratio, item.asked, item.note,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |\n"


def _growing(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Return the contestants that were measured at three sizes and more, by size."""
    ordered = sorted(figures, key=lambda item: (item.benchmark, item.contestant, item.size))
    groups = groupby(ordered, key=lambda item: f"{item.benchmark}: {item.contestant}")
    return {name: rows for name, group in groups if len(rows := list(group)) >= 3}


def draw_plot(figures: Sequence[Figure], path: Path) -> None:
    """Draw CPU time and peak memory over the number of rows, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second, and only the plot needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    canvas, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, rows in _growing(figures).items():
        sizes = [item.size for item in rows]
        left.loglog(sizes, [item.cpu for item in rows], marker="o", label=name)
        right.semilogx(sizes, [item.peak_mb for item in rows], marker="o", label=name)
    left.set(title="CPU seconds", xlabel="rows")
    right.set(title="peak resident memory, MB", xlabel="rows", ylim=(0, None))
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    left.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path, dpi=110)


def main() -> None:
    """Write the page and the plot from the results file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    figures = read_figures(parser.parse_args().results)
    if _growing(figures):
        draw_plot(figures, PLOT)
    PAGE.write_text(render_page(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
