from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from simulated_org import SimulatedOrg, everything, opportunity, records_of, since

from orchestration.contracts.extraction import DeletedKeys, Window
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed, ContractViolated
from source_systems._simulation.change import Change
from source_systems._simulation.ids import salesforce_id


def purge(org: SimulatedOrg, numbers: Iterable[int], ago: timedelta = timedelta(0)) -> None:
    changes = [Change("salesforce", "Opportunity", "delete", opportunity(number).row) for number in numbers]
    org.write(changes, at=datetime.now(UTC) - ago)


def keys(deleted: DeletedKeys) -> set[str]:
    return {key for batch in deleted.batches for key in batch.column("id").to_pylist()}


def ids(numbers: Iterable[int]) -> set[str]:
    return {salesforce_id("Opportunity", number) for number in numbers}


def ask(org: SimulatedOrg, contracts: dict[str, Contract], window: Window) -> tuple[set[str], datetime]:
    with org.connect() as extractor:
        deleted = extractor.deleted(contracts["opportunity"], window)
        return keys(deleted), deleted.covered_until


def test_a_purged_row_is_told_by_the_feed_although_no_query_sees_it(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write([opportunity(1), opportunity(2)])
    purge(org, [1])
    window = since(minutes=5)
    with org.connect() as extractor:
        assert len(records_of(extractor.extract(contracts["opportunity"], everything()))) == 1
        deleted = extractor.deleted(contracts["opportunity"], window)
    assert keys(deleted) == ids([1])
    assert window.until - timedelta(seconds=1) <= deleted.covered_until <= window.until


def test_a_row_in_the_recycle_bin_is_told_by_the_feed_too(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    org.write([opportunity(1)])
    org.write([Change("salesforce", "Opportunity", "soft_delete", opportunity(1, IsDeleted=True).row)])
    assert ask(org, contracts, since(minutes=5))[0] == ids([1])


def test_what_was_deleted_before_the_window_is_left_out(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    purge(org, [1], ago=timedelta(hours=3))
    purge(org, [2], ago=timedelta(minutes=10))
    assert ask(org, contracts, since(hours=1))[0] == ids([2])


def test_a_window_of_seconds_is_widened_to_what_the_feed_accepts(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    purge(org, [1])
    found, covered_until = ask(org, contracts, since(seconds=1))
    assert found == ids([1])
    assert covered_until <= datetime.now(UTC)


def test_too_many_ids_are_asked_for_in_halves(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    for hour in range(8):
        purge(org, range(hour * 10, hour * 10 + 10), ago=timedelta(hours=hour, minutes=5))
    org.turn(most_deleted_ids=15)
    window = since(hours=9)
    found, covered_until = ask(org, contracts, window)
    assert found == ids(range(80))
    assert covered_until >= window.until - timedelta(seconds=1)


def test_too_many_ids_in_the_shortest_window_end_the_coverage_there(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    crowded = datetime.now(UTC) - timedelta(hours=2)
    purge(org, range(20), ago=timedelta(hours=2))
    purge(org, [99], ago=timedelta(minutes=30))
    org.turn(most_deleted_ids=15)
    found, covered_until = ask(org, contracts, since(hours=4))
    assert found == ids([99])
    assert crowded - timedelta(minutes=4) <= covered_until <= crowded


def test_a_start_beyond_the_reach_of_the_feed_leaves_the_coverage_where_it_was(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    purge(org, [1], ago=timedelta(days=3))
    window = since(days=16)
    assert ask(org, contracts, window) == (ids([1]), window.since)


def test_a_log_that_forgot_a_big_delete_leaves_the_coverage_where_it_was(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    purge(org, [1], ago=timedelta(minutes=10))
    org.turn(log_reach_days=0.5 / 24)
    window = since(hours=2)
    assert window.since is not None
    found, covered_until = ask(org, contracts, window)
    assert found == ids([1])
    assert covered_until == window.since.replace(second=0, microsecond=0)


def test_a_long_transaction_holds_the_coverage_back(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    org.turn(replication_lag_seconds=3600)
    window = since(hours=2)
    _, covered_until = ask(org, contracts, window)
    lag = window.until - covered_until
    assert timedelta(minutes=59) < lag < timedelta(minutes=61)


def test_the_first_question_reaches_back_as_far_as_the_feed_does(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    purge(org, [1], ago=timedelta(days=14))
    found, covered_until = ask(org, contracts, everything())
    assert found == ids([1])
    assert covered_until > datetime.now(UTC) - timedelta(minutes=1)


def test_an_object_without_a_feed_says_so(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with org.connect() as extractor, pytest.raises(ContractViolated, match="Product2: the object is not replicateable"):
        extractor.deleted(contracts["product2"], since(hours=1))


def test_a_feed_that_breaks_off_is_asked_again_and_then_fails(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    purge(org, [1])
    org.fail("cut_off", path="/deleted", times=2)
    assert ask(org, contracts, since(hours=1))[0] == ids([1])
    org.fail("cut_off", path="/deleted", times=9)
    with pytest.raises(ConnectionFailed, match="deleted feed's answer is cut off"):
        ask(org, contracts, since(hours=1))
