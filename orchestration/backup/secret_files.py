"""Which files below the home are secret: they come along only when asked for, readable by their owner alone."""

from __future__ import annotations

from pathlib import Path

_FOLDERS = ("control", "secrets")
_DATABASE = "control.db"


def secret_files(home: Path) -> list[str]:
    """Return the secret files of a home, relative to it: all beside the control plane's database, and ``secrets/``."""
    found = (path for folder in _FOLDERS for path in (home / folder).rglob("*") if path.is_file())
    return sorted(name for path in found if is_secret(name := path.relative_to(home).as_posix()))


def is_secret(name: str) -> bool:
    """Say whether a file, by its path below the home, is a secret one."""
    folder, _, rest = name.partition("/")
    return folder in _FOLDERS and not rest.startswith((_DATABASE, "."))
