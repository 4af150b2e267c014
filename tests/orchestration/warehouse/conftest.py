"""The warehouse under test: a file of its own, or a database of its own on a server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.protocol import Session


@pytest.fixture
def settings(settings_of: Callable[..., Settings], tmp_path: Path) -> Settings:
    return settings_of(tmp_path, lock_wait_seconds=0.3, memory_limit_mb=128)


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    with open_warehouse(settings).session("test") as session:
        yield session
