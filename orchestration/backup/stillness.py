"""A restore needs a platform that stands still: no writer, no load that reads its source, no build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.failures import Busy
from orchestration.settings import Settings
from orchestration.warehouse.lock import held, holder
from orchestration.warehouse.presence import somebody_is_at

_REMEDY = "Stop Dagster and every command, and restore then."


@contextmanager
def standing_still(settings: Settings) -> Iterator[None]:
    """Hold the writer's lock, without which no load and no build can begin, while nobody is at work.

    Raises:
        Busy: somebody is; names who.
    """
    warehouse = settings.locks_dir / "warehouse.lock"
    if somebody_is_at(warehouse):
        raise _busy(warehouse)
    with held(warehouse, "strata restore", 1.0):
        for path in sorted((*settings.locks_dir.glob("*.lock"), *settings.locks_dir.glob("*.at_work"))):
            if path != warehouse and somebody_is_at(path):
                raise _busy(path)
        yield


def _busy(path: Path) -> Busy:
    if path.suffix == ".at_work":
        return Busy(f"Nothing can be restored: a {path.stem.replace('_', ' ')} is running.", _REMEDY)
    return Busy(f"Nothing can be restored: {path.stem} is held by {holder(path)}.", _REMEDY)
