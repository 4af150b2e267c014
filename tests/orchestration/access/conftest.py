"""An installation with two tenants whose rows have the same ids."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import TENANTS, House


@pytest.fixture
def house(standing: House, tmp_path: Path) -> House:
    """An installation that the test may change."""
    return standing.copied_to(tmp_path)


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One that tests only read: three bills of each tenant with the same ids, published; one more of each rejected."""
    house = House(tmp_path_factory.mktemp("standing"))
    house.found()
    for tenant in TENANTS:
        for number in (1, 2, 3):
            house.put(tenant, number)
        house.put(tenant, 9, status=f"bad {tenant[:4]}")
        (result,) = house.load(tenant)
        assert result.status == "loaded", result.message
    house.publish()
    return house
