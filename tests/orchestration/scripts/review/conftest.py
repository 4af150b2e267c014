"""An installation with two scripts, in a git repository of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "close"))

from close_house import CloseHouse, house_in

Commit = Callable[[str], None]


@pytest.fixture(scope="session")
def house_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation to copy, whose scripts are committed."""
    folder = house_in(tmp_path_factory.mktemp("template") / "house").folder
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _commit(folder, "The first scripts")
    return folder


@pytest.fixture
def house(house_template: Path, tmp_path: Path) -> CloseHouse:
    shutil.copytree(house_template, tmp_path / "house")
    return CloseHouse(tmp_path / "house")


@pytest.fixture
def commit(house: CloseHouse) -> Commit:
    """Commit all scripts as they are."""
    return lambda message: _commit(house.folder, message)


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "scripts")
    _git(folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", message)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)
