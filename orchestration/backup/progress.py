"""How far a backup or a restore is, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.backup.copying import OnBytes


@dataclass(frozen=True)
class Progress:
    """A step in words, and its bytes; ``total`` is 0 for a step that has none. ``waiting`` marks one that waits."""

    step: str
    done: int = 0
    total: int = 0
    waiting: bool = False


OnProgress = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Tell nobody."""


def counting(tell: OnProgress, step: str, total: int) -> OnBytes:
    """Announce a step and return what takes its bytes."""
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        tell(Progress(step, done, total))

    tell(Progress(step, 0, total))
    return add
