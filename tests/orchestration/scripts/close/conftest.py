"""An installation with two scripts for each test."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from close_house import CloseHouse, house_in


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation to copy: making its control plane costs more than most tests."""
    return house_in(tmp_path_factory.mktemp("template") / "house").folder


@pytest.fixture
def house(template: Path, tmp_path: Path) -> CloseHouse:
    shutil.copytree(template, tmp_path / "house")
    return CloseHouse(tmp_path / "house")
