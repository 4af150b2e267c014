"""The engine on a warehouse of its own, fed by a small source that tests change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench

from orchestration.settings import Settings


@pytest.fixture
def settings(settings_of: Callable[..., Settings], tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "home")


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Iterator[Bench]:
    return Bench(tmp_path / "shop", settings)
