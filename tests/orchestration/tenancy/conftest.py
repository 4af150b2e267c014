"""An installation of its own for each module; its simulators end with the module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tenancy_house import prepare, settings_now

from orchestration import simulators
from orchestration.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, new_warehouse: Callable[[], dict[str, str]]) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("tenancy")
        for name, value in (prepare(place) | new_warehouse()).items():
            patch.setenv(name, value)
        yield place
        simulators.release()


@pytest.fixture
def settings(folder: Path) -> Settings:
    return settings_now()
