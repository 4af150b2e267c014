"""A source's jobs: what one tenant, one contract or one moment spoils stays theirs."""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import source_definitions
from orchestration.failures import POLICIES, FailureClass, Policy

Toy = Any  # the platform of conftest.py


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    return str(data.description) if data else str(event.step_failure_data.error)


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}


def loads(toy: Toy) -> list[tuple[str, str, str]]:
    return toy.sql("SELECT tenant_id, entity, status FROM strata.load_ledger ORDER BY seq")


def test_a_daily_run_loads_every_tenant_and_shows_their_counts(toy: Toy) -> None:
    result = toy.run()
    assert result.success
    (event,) = result.asset_materializations_for_node("load_toy")[:1]
    assert event.asset_key.to_user_string() == "bronze_toy/item"
    assert event.metadata["dagster/row_count"].value == 3
    tenants = {record["tenant"]: record["inserted"] for record in (r.data for r in event.metadata["tenants"].records)}
    assert tenants == {"acme": 2, "globex": 1}


def test_one_tenant_failing_leaves_the_others_loaded_and_fails_the_asset_with_its_name(toy: Toy) -> None:
    toy.defect("globex", "refused")
    result = toy.run()
    assert not result.success
    assert "(2 entities: item, part)" in failure(result)
    assert "acme" not in failure(result)
    assert toy.sql("SELECT DISTINCT _tenant_id FROM bronze_toy.item") == [("acme",)]
    assert materialized(result) == set()  # the worst tenant counts: the asset is not fresh


def test_a_failure_opens_an_alert_and_the_next_good_run_closes_it(toy: Toy) -> None:
    toy.defect("globex", "refused")
    toy.run()
    states = "SELECT DISTINCT class, owner, state FROM strata.alert"
    assert toy.sql(states) == [("authentication", "toy-makers", "open")]
    toy.defect("globex")
    assert toy.run().success
    assert toy.sql(states) == [("authentication", "toy-makers", "recovered")]


def test_the_retry_takes_only_what_failed(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, FailureClass.CONNECTION, Policy(3, 0, POLICIES[FailureClass.CONNECTION].alert))
    toy.defect("globex", "down", times=1)
    result = toy.run()
    assert result.success
    assert [event.step_key for event in result.all_events if event.is_step_up_for_retry] == ["load_toy"]
    assert sorted(load for load in loads(toy) if load[0] == "acme") == [
        ("acme", "item", "loaded"), ("acme", "part", "loaded"),
    ]  # fmt: skip
    assert toy.sql("SELECT count(*) FROM strata.alert") == [(0,)]
    rows = [event.metadata["dagster/row_count"].value for event in result.asset_materializations_for_node("load_toy")]
    inserted = [event.metadata["inserted"].value for event in result.asset_materializations_for_node("load_toy")]
    assert (rows, inserted) == ([3, 0], [3, 0])


def test_a_failure_that_no_retry_can_mend_is_not_tried_again(toy: Toy) -> None:
    toy.defect("globex", "refused")
    assert not [event for event in toy.run().all_events if event.is_step_up_for_retry]


def test_a_broken_contract_fails_alone_and_is_shown_with_its_error(toy: Toy) -> None:
    path = toy.folder / "source_systems" / "toy" / "contracts" / "part.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("bigint", "bigger_int"), encoding="utf-8")
    specs = {spec.key.path[-1]: spec for spec in source_definitions("toy").resolve_all_asset_specs()}
    assert "bigger_int" in str(specs["part"].description)
    result = toy.run()
    assert materialized(result) == {"item"}
    assert "bigger_int" in failure(result)


def test_a_broken_source_yaml_leaves_a_location_that_says_so(toy: Toy) -> None:
    (toy.folder / "source_systems" / "toy" / "source.yaml").write_text("title: [", encoding="utf-8")
    os.environ.pop("STRATA_TOY__ACME__FOLDER", None)
    (spec,) = source_definitions("toy").resolve_all_asset_specs()
    assert "source.yaml" in str(spec.description)
    result = toy.run()
    assert not result.success
    assert "source.yaml" in failure(result)


def test_a_run_may_be_narrowed_to_entities_and_tenants(toy: Toy) -> None:
    toy.run(entities=["item"], tenants=["acme"])
    assert loads(toy) == [("acme", "item", "loaded")]


def test_a_run_of_some_tenants_does_not_pass_for_a_fresh_asset(toy: Toy) -> None:
    assert materialized(toy.run(tenants=["acme"])) == set()
