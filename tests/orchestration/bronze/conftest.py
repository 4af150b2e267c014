"""The engine on a warehouse of its own, fed by a small source that tests change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench

from orchestration.settings import Settings


@pytest.fixture(params=["duckdb"])
def warehouse(request: pytest.FixtureRequest) -> str:
    """The engine under test; a second one adds a parameter."""
    return request.param


@pytest.fixture
def settings(tmp_path: Path, warehouse: str) -> Settings:
    return Settings(home=tmp_path / "home", warehouse=warehouse, lock_wait_seconds=20, _env_file=None)


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Iterator[Bench]:
    return Bench(tmp_path / "shop", settings)
