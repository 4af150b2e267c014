"""An installation with two tenants whose rows have the same ids."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import House


@pytest.fixture
def house(standing: House, tmp_path: Path) -> House:
    """An installation that the test may change."""
    return standing.another(tmp_path)


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One that tests only read."""
    return House(tmp_path_factory.mktemp("standing")).furnish()
