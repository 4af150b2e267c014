"""An installation with two scripts for each test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from close_house import CloseHouse, house_in


@pytest.fixture
def house(tmp_path: Path) -> CloseHouse:
    return house_in(tmp_path)
