"""An installation with two tenants whose rows have the same ids."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import TENANTS, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Three bills of each tenant with the same ids, loaded and published; one more of each is rejected."""
    house = House(tmp_path)
    for tenant in TENANTS:
        for number in (1, 2, 3):
            house.put(tenant, number)
        house.put(tenant, 9, status=f"bad {tenant[:4]}")
        (result,) = house.load(tenant)
        assert result.status == "loaded", result.message
    house.publish()
    return house
