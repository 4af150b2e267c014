"""The home and the control plane's file are their user's alone, whatever the user's umask allows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.backup.restore import restore
from orchestration.backup.take import back_up
from orchestration.control import open_control
from orchestration.runtime import open_runtime
from orchestration.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def open_handed() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read_something(settings: Settings) -> None:
    with open_control(settings).reading():
        pass


@pytest.mark.parametrize("begin", [read_something, open_runtime])
def test_a_home_and_its_control_plane_are_made_for_their_user_alone(
    tmp_path: Path, begin: Callable[[Settings], object]
) -> None:
    settings = load_settings(home=tmp_path / "deep" / "home")
    begin(settings)
    assert mode(settings.home) == 0o700
    assert {path.name: mode(path) for path in settings.control_file.parent.glob("control.db*")}["control.db"] == 0o600
    assert all(mode(path) == 0o600 for path in settings.control_file.parent.glob("control.db*"))


def test_a_home_that_was_opened_to_a_group_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    open_runtime(load_settings(home=tmp_path))
    assert mode(tmp_path) == 0o750


def test_a_restored_home_is_its_users_alone_too(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    open_runtime(settings)
    backup = back_up(settings, tmp_path / "backups").path
    assert mode(backup / "control" / "control.db") == 0o600
    elsewhere = load_settings(home=tmp_path / "elsewhere")
    restore(elsewhere, backup)
    assert (mode(elsewhere.home), mode(elsewhere.control_file)) == (0o700, 0o600)
