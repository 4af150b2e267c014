"""Folders for the tests of accounting: an empty one, and the simulated company's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from accounting_inbox import Inbox

from source_systems.accounting import simulator

SEED, SIZE = 7, 20


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """An empty folder."""
    (tmp_path / "inbox").mkdir()
    return Inbox(tmp_path / "inbox")


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> simulator.Address:
    address = simulator.start(tmp_path_factory.mktemp("accounting"))
    simulator.bring_to(address, "acme", 0, seed=SEED, size=SIZE)
    return address


@pytest.fixture
def filled(first_day: simulator.Address, tmp_path: Path) -> Inbox:
    """The simulated company's folder on its first day, a copy of a test's own."""
    source = Path(simulator.settings_for(first_day, "acme")["folder"])
    return Inbox(Path(shutil.copytree(source, tmp_path / "filled")))
