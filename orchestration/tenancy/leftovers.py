"""Files beside data that a tenant's name is in: locks and their notes, logs of the last run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orchestration.settings import Settings

_LOGS = ("run.log",)


def find_leftovers(settings: Settings, tenant: str) -> list[Path]:
    """Return the files that carry the name in theirs, and notes and logs that have it in their text."""
    own = [path for path in _locks(settings) if _is_of(path.name, tenant)]
    notes = [path for path in _locks(settings) if path.suffix == ".json" and path not in own]
    logs = [settings.home / name for name in _LOGS]
    return own + [path for path in (*notes, *logs) if _mentions(path, tenant)]


def remove_leftovers(settings: Settings, tenant: str) -> None:
    """Delete them; call it while no load of the tenant can begin."""
    for path in find_leftovers(settings, tenant):
        path.unlink(missing_ok=True)


def remove_own_lock(settings: Settings, tenant: str) -> None:
    """Delete the lock that a command took on a name that is no tenant's; call it while holding that lock."""
    for path in _locks(settings):
        if path.name.startswith(f"tenant-{tenant}."):
            path.unlink(missing_ok=True)


def find_moved_aside(settings: Settings) -> list[Path]:
    """Return the folders of states that a restore moved aside: whole copies, every tenant in them."""
    return sorted(settings.home.glob("before-restore-*"))


def find_in_dagster(settings: Settings, tenant: str) -> list[Path]:
    """Return the files of Dagster's own record that name the tenant: docs/operator/tenants.md says how to prune it."""
    paths = (path for path in (settings.home / "dagster").rglob("*") if path.is_file())
    return sorted(path for path in paths if _mentions(path, tenant))


def _locks(settings: Settings) -> Iterator[Path]:
    yield from sorted(settings.locks_dir.glob("*")) if settings.locks_dir.exists() else ()


def _is_of(name: str, tenant: str) -> bool:
    return name.startswith((f"load-{tenant}-", f"tenant-{tenant}."))


def _mentions(path: Path, tenant: str) -> bool:
    """Search a file for the name as a word."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    word = re.escape(tenant.encode())
    return re.search(rb"(?<![a-z0-9_])" + word + rb"(?![a-z0-9_])", content) is not None
