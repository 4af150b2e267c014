"""What holds for every history and every number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_org import SimulatedOrg, opportunity

from orchestration.contracts.extraction import Window
from orchestration.contracts.model import Contract
from source_systems._simulation.change import Change
from source_systems._simulation.ids import salesforce_id
from source_systems.salesforce import simulator
from source_systems.salesforce.simulator.rendering import number

_places = count(1)
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14)


@given(AMOUNTS)
def test_a_number_in_the_form_of_java_is_the_same_number(amount: Decimal) -> None:
    written = number(format(amount, "f"))
    assert Decimal(written) == amount
    assert "." in written


@given(
    minutes=st.lists(st.integers(0, 23_000), max_size=40),
    switches=st.fixed_dictionaries(
        {"most_deleted_ids": st.integers(1, 40), "replication_lag_seconds": st.integers(0, 7_200)}
    ),
    back=st.integers(1, 25_000),
)
@settings(max_examples=25, deadline=None)
def test_no_deletion_before_the_end_of_the_coverage_is_missing(
    server: simulator.Address, contracts: dict[str, Contract], minutes: list[int], switches: dict[str, int], back: int
) -> None:
    org, now = SimulatedOrg(server, f"history{next(_places)}"), datetime.now(UTC)
    gone = {}
    for number_, ago in enumerate(minutes):
        moment = (now - timedelta(minutes=ago)).replace(microsecond=0)
        org.write([Change("salesforce", "Opportunity", "delete", opportunity(number_).row)], at=moment)
        gone[salesforce_id("Opportunity", number_)] = moment
    org.write([])
    org.turn(**switches)
    window = Window(now - timedelta(minutes=back), now)
    with org.connect() as extractor:
        deleted = extractor.deleted(contracts["opportunity"], window)
        found = {key for batch in deleted.batches for key in batch.column("id").to_pylist()}
    assert deleted.covered_until <= now
    assert window.since is not None
    owed = {key for key, moment in gone.items() if window.since <= moment < deleted.covered_until}
    assert owed <= found <= set(gone)
