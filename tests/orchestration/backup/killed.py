"""Runs a backup or a restore in a process that dies at a chosen step: before its n-th change of the file system.

Python tells an audit hook of every file it is about to open, rename, link or remove;
there is no gentler way to stop a process between any two of them than SIGKILL.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.backup.restore import restore
from orchestration.backup.take import Wanted, back_up
from orchestration.settings import Settings

_CHANGES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_processes = multiprocessing.get_context("forkserver")
# What takes long to import is imported once; the children begin with it, and with nothing opened.
_processes.set_forkserver_preload([__name__, "orchestration.backup.restore", "orchestration.control.schema"])


def _is_change(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        return isinstance(arguments[0], (str, bytes)) and bool(arguments[2] & _WRITING)
    return event in _CHANGES


def _watch(kill_at: int) -> Callable[[], int]:
    """Have this process killed before its n-th change; returns how many there were so far."""
    changes = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if _is_change(event, arguments):
            changes += 1
            if changes == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: changes


def _take(home: Path, target: Path, kill_at: int, told: Any) -> None:
    changes = _watch(kill_at)
    back_up(_settings(home), target, Wanted(with_landing=True, with_secrets=True))
    told.value = changes()


def _restore(home: Path, backup: Path, kill_at: int, told: Any) -> None:
    changes = _watch(kill_at)
    restore(_settings(home), backup, force=True)
    told.value = changes()


def _settings(home: Path) -> Settings:
    return Settings(home=home, lock_wait_seconds=20, threads=1, _env_file=None)


def _run(work: Callable[..., None], *arguments: object) -> int:
    """Return the number of changes, or 0 of a process that was killed."""
    told = _processes.Value("i", 0)
    process = _processes.Process(target=work, args=(*arguments, told))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return int(told.value)


def backup_killed_at(home: Path, target: Path, step: int) -> int:
    """Back up and die before change number ``step`` (0: never); returns the number of changes of one that lived."""
    return _run(_take, home, target, step)


def restore_killed_at(home: Path, backup: Path, step: int) -> int:
    """Restore by force and die before change number ``step`` (0: never); returns as above."""
    return _run(_restore, home, backup, step)
