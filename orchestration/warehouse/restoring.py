"""The mark of a restore at work: while it lies in the home, nobody may write.

A load would otherwise begin a new, empty warehouse where the restored one is about to be.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.failures import StrataError
from orchestration.settings import Settings


def restore_mark(settings: Settings) -> Path:
    """Return where a restore notes what it is about to put in place."""
    return settings.home / "restore.json"


def refuse_half_restored(settings: Settings) -> None:
    """Refuse to work in a home whose restore was interrupted.

    Raises:
        StrataError: a restore has not come to its end.
    """
    if restore_mark(settings).exists():
        message = f"{settings.home}: a restore was interrupted, or is still running."
        raise StrataError(message, "Run the same `strata restore` again: it goes on where it stopped.")
