"""Finds Microsoft's ODBC driver where it is no part of the system: in the wheel ``mssql-python-odbc``.

The wheel carries the driver's library, but registers it nowhere. pyodbc finds it by an ``odbcinst.ini`` that
``ODBCSYSINI`` names, which unixODBC reads once, before the first connection of a process.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

DRIVER = "ODBC Driver 18 for SQL Server"


def register_driver(folder: Path) -> Path | None:
    """Make the wheel's driver known under :data:`DRIVER`, by a file in ``folder``; returns its library.

    ``None``: the wheel is not installed, or the environment names another place already; then the system's
    drivers count.
    """
    library = wheel_driver()
    if library is None or "ODBCSYSINI" in os.environ:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "odbcinst.ini").write_text(f"[{DRIVER}]\nDriver={library}\n")
    os.environ["ODBCSYSINI"] = str(folder)
    return library


def wheel_driver() -> Path | None:
    """Return the driver's library in the installed wheel; ``None`` where there is no wheel for this system."""
    spec = find_spec("mssql_python_odbc")
    if spec is None or not spec.submodule_search_locations:
        return None
    found = sorted(
        library
        for place in spec.submodule_search_locations
        for library in Path(place).glob(f"libs/linux/{_distribution()}/{os.uname().machine}/lib/libmsodbcsql-*.so.*")
    )
    return found[-1] if found else None


def _distribution() -> str:
    """Return the wheel's name for this kind of Linux."""
    if Path("/etc/alpine-release").exists():
        return "alpine"
    return "rhel" if Path("/etc/redhat-release").exists() else "debian_ubuntu"
