"""How far a backup or a restore is: a moving line on a terminal, elsewhere one line for each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Display

from orchestration.backup.progress import OnProgress, Progress
from orchestration.backup.progress import silent as nobody
from orchestration.cli.console import errors


@contextmanager
def shown(*, silent: bool = False) -> Iterator[OnProgress]:
    """Show steps on standard error for the length of a block; ``silent`` for output that machines read."""
    if silent:
        yield nobody
    elif not errors.is_terminal:
        yield _Lines()
    else:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Display(*columns, console=errors, transient=True) as display:
            yield _Bar(display)


class _Bar:
    def __init__(self, display: Display) -> None:
        self._display, self._task = display, display.add_task("", total=None)

    def __call__(self, progress: Progress) -> None:
        if progress.waiting:
            self._display.console.print(progress.step, markup=False)
            return
        self._display.update(
            self._task, description=progress.step, completed=progress.done, total=progress.total or None
        )


class _Lines:
    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        if progress.step != self._last:
            self._last = progress.step
            size = f" ({progress.total / 1e6:,.1f} MB)" if progress.total else ""
            errors.print(f"{progress.step}{size}", markup=False, soft_wrap=True)
