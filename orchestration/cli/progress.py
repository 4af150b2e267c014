"""How far a load is: a line for each entity that is being read, with rows a second and the time left.

On a terminal the lines move; elsewhere (a log, a pipe) there is one for each
finished entity. All of it goes to standard error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestration.bronze.progress import OnProgress
from orchestration.bronze.progress import Progress as Step
from orchestration.cli.console import ago, errors


class _Speed(ProgressColumn):
    """Rows a second, and the time left when the last full load says how many rows to expect."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        left = f", {ago(task.time_remaining)} left" if task.time_remaining else ""
        return Text(f"{speed:,.0f} rows/s{left}")


class _Lines:
    """Turns steps into lines of a rich progress display."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        task = self._tasks.get(step.label)
        if task is None:
            task = self._display.add_task(step.label, total=step.expected_rows or None, phase=step.phase)
            self._tasks[step.label] = task
        self._display.update(task, completed=step.rows, phase=step.phase)
        if step.phase == "done":
            self._display.remove_task(self._tasks.pop(step.label))


@contextmanager
def shown(*, silent: bool = False) -> Iterator[OnProgress]:
    """Show the progress of loads for the length of a block; ``silent`` for output that machines read."""
    if silent:
        yield _ignore
    elif not errors.is_terminal:
        yield _one_line_when_done
    else:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,.0f} rows", justify="right"),
            _Speed(),
            TextColumn("{task.fields[phase]}", markup=False),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=errors, transient=True) as display:
            yield _Lines(display)


def _ignore(_step: Step) -> None:
    """Say nothing."""


def _one_line_when_done(step: Step) -> None:
    if step.phase == "done":
        errors.print(f"{step.label}: {step.rows:,} rows", markup=False, soft_wrap=True)
