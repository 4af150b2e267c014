"""An installation with bronze, a published gold table, a control plane and a secret, to back up and destroy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "bronze"))

from installation import Installation

from orchestration.settings import Settings


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    settings = Settings(home=tmp_path / "home", lock_wait_seconds=20, threads=1, _env_file=None)
    return Installation(tmp_path / "shop", settings)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups"
