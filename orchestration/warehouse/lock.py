"""Locks between processes that say who holds them.

A lock is an operating-system lock on a file: it dies with its holder, whatever
killed it. Beside it a note tells the one who waits who holds it, and why.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from orchestration.failures import Busy


@contextmanager
def held(path: Path, purpose: str, wait_seconds: float, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file ``path`` for a block; re-entrant within a thread.

    When it is not free at once, ``on_wait`` is told who holds it, before the wait.

    Raises:
        Busy: it was not free within ``wait_seconds``; names the holder's process, purpose and start.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # One object a path: a thread that holds the lock gets in again, another thread or process waits.
    lock = FileLock(path, is_singleton=True)
    outermost = not lock.is_locked
    try:
        _acquire(lock, wait_seconds, lambda: on_wait(holder(path)) if on_wait else None)
    except Timeout:
        message = f"{purpose}: waited {wait_seconds:g} s for {path.stem}, held by {holder(path)}."
        raise Busy(message, "Try again when it is done, or raise STRATA_LOCK_WAIT_SECONDS.") from None
    try:
        if outermost:
            with suppress(OSError):  # a full disk: the lock holds without its note, and reading needs no room
                _leave_note(_note(path), purpose)
        yield
    finally:
        lock.release()


def _acquire(lock: BaseFileLock, wait_seconds: float, on_wait: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire(timeout=wait_seconds, poll_interval=0.02)


def _note(path: Path) -> Path:
    return path.with_suffix(".holder.json")


def _leave_note(note: Path, purpose: str) -> None:
    """Write by rename, so that who reads it never reads half of it."""
    content = {"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    draft = note.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(note)


def holder(path: Path) -> str:
    """Say who holds the lock file ``path``, or held it last: process, purpose and since when."""
    try:
        content = json.loads(_note(path).read_text(encoding="utf-8"))
        return f"process {content['pid']} ({content['purpose']}) since {content['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
