"""What a run shows of a thousand tenants is no longer than what it shows of fifty."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.bronze.ledger import LoadResult
from orchestration.definitions import outcome
from orchestration.definitions.outcome import Fault, LeftOut
from orchestration.failures import FailureClass


def result(number: int, status: str = "loaded", **counts: int) -> LoadResult:
    return LoadResult(
        load_id=str(number),
        tenant_id=f"tenant_{number}",
        connection="main",
        source="shop",
        entity="invoice",
        mode="delta",
        requested="hourly",
        status=status,
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        who="test",
        contract_version="1",
        **counts,
    )


def test_the_table_shows_failed_held_and_changed_tenants_first_and_counts_them_all() -> None:
    results = [result(number, extracted=1, unchanged=1) for number in range(1000)]
    results += [result(1000, "failed"), result(1001, "held", held=3), result(1002, extracted=7, inserted=7)]
    metadata = outcome.load_metadata(results, 5)
    shown = [record.data["tenant"] for record in metadata["tenants"].records]
    assert len(shown) == outcome.MOST_SHOWN
    assert shown[:3] == ["tenant_1000", "tenant_1001", "tenant_1002"]
    assert metadata["extracted"].value == 1007
    assert (metadata["tenants_failed"].value, metadata["tenants_held"].value) == (1, 1)
    assert metadata["tenants_loaded"].value == 1001
    assert "50 of 1,003" in metadata["tenants_shown"].value


def test_a_failure_names_some_tenants_and_counts_the_rest() -> None:
    found = [Fault(f"tenant_{number}", FailureClass.SETTINGS, "no") for number in range(1000)]
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for(found, 0)
    assert raised.value.description.count("\n") == outcome.MOST_SHOWN
    assert raised.value.description.endswith("and 950 more")


def test_a_source_that_is_down_is_told_once_for_each_connection_and_not_for_each_entity() -> None:
    down = [
        Fault(f"{place} table_{number}", FailureClass.SETTINGS, "no answer", entity=f"table_{number}")
        for place in ("acme/product", "globex/product")
        for number in range(8)
    ]
    other = Fault("acme/product table_9", FailureClass.SETTINGS, "column gone", entity="table_9")
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for([*down, other, Fault("close", FailureClass.SETTINGS, "no answer")], 0)
    assert (raised.value.description or "").splitlines() == [
        "acme/product: settings: no answer (8 entities: table_0, table_1, table_2, table_3, table_4 and 3 more)",
        "globex/product: settings: no answer (8 entities: table_0, table_1, table_2, table_3, table_4 and 3 more)",
        "acme/product table_9: settings: column gone",
        "close: settings: no answer",
    ]


def test_a_connection_that_fails_in_other_words_for_each_entity_is_one_fault_with_the_first_ones_words() -> None:
    words = [
        Fault(f"acme/salesforce {name}", FailureClass.CONNECTION, f"{name}: no answer", entity=name)
        for name in ("account", "contact")
    ]
    (fault,) = outcome.by_connection(words)
    assert str(fault) == "acme/salesforce: connection: account: no answer (2 entities: account, contact)"


def test_tenants_that_are_left_out_are_told_by_reason() -> None:
    left_out = LeftOut()
    for number in range(60):
        left_out.add(f"t{number}", "it is suspended")
    (line,) = left_out.lines()
    assert line.startswith("60 tenants are left out because it is suspended: t0, t1")
    assert line.endswith("t49 and 10 more")
