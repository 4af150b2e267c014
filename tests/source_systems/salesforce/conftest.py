"""A running simulator over HTTPS, and an org of its own for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulated_org import SimulatedOrg

from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contracts
from source_systems.salesforce import simulator

CONTRACTS = Path(simulator.__file__).parent.parent / "contracts"
_places = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[simulator.Address]:
    address = simulator.start(tmp_path_factory.mktemp("salesforce"))
    yield address
    simulator.stop(address)


@pytest.fixture
def org(server: simulator.Address) -> SimulatedOrg:
    """An empty org that no other test has."""
    created = SimulatedOrg(server, f"test{next(_places)}")
    created.write([])
    return created


@pytest.fixture(scope="session")
def contracts() -> dict[str, Contract]:
    return read_contracts(CONTRACTS, "salesforce")
