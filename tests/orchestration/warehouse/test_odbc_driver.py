"""Microsoft's driver is found in its wheel, and made known to pyodbc, without a change to the system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from orchestration.warehouse.odbc import DRIVER, register_driver


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that lies where the wheel's does; returns its library for this machine."""
    package = tmp_path / "site" / "mssql_python_odbc"
    for distribution in ("debian_ubuntu", "rhel", "alpine"):
        folder = package / "libs" / "linux" / distribution / os.uname().machine / "lib"
        folder.mkdir(parents=True)
        (folder / "libmsodbcsql-18.6.so.2.1").touch()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "mssql_python_odbc", raising=False)  # the installed one, where it was used
    monkeypatch.delenv("ODBCSYSINI", raising=False)
    return package


def test_the_wheels_driver_is_registered(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODBCSYSINI", "")
    monkeypatch.delenv("ODBCSYSINI")
    library = register_driver(tmp_path / "odbc")
    assert library is not None
    assert library.is_relative_to(wheel)
    assert (tmp_path / "odbc" / "odbcinst.ini").read_text() == f"[{DRIVER}]\nDriver={library}\n"
    assert os.environ["ODBCSYSINI"] == str(tmp_path / "odbc")


def test_a_place_that_is_named_already_counts(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODBCSYSINI", "/etc/odbc")
    assert wheel.exists()
    assert register_driver(tmp_path / "odbc") is None
    assert os.environ["ODBCSYSINI"] == "/etc/odbc"
