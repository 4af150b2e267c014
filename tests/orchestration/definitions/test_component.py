"""The factory as a component: two lines of YAML are a source's code location."""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.definitions import StrataSourceComponent, source_definitions

Toy = Any  # the platform of conftest.py


def test_the_component_makes_what_the_factory_makes(toy: Toy) -> None:
    component = StrataSourceComponent.resolve_from_yaml("source: toy")
    made = component.build_defs(dg.ComponentTree.for_test().load_context)
    by_hand = source_definitions("toy")
    assert {spec.key for spec in made.resolve_all_asset_specs()} == {s.key for s in by_hand.resolve_all_asset_specs()}
    assert {job.name for job in made.resolve_all_job_defs()} == {job.name for job in by_hand.resolve_all_job_defs()}


def test_an_asset_shows_its_contract(toy: Toy) -> None:
    specs = {spec.key.path[-1]: spec for spec in source_definitions("toy").resolve_all_asset_specs()}
    item = specs["item"]
    assert (item.group_name, item.owners, item.kinds) == ("toy", ["team:toy-makers"], {"csv", "duckdb"})
    assert item.freshness_policy is not None
    columns = {column.name: column for column in item.metadata["dagster/column_schema"].columns}
    assert (columns["amount"].type, columns["name"].tags) == ("decimal(18,2)", {"pii": ""})


def test_an_hourly_tick_is_skipped_while_the_last_run_has_not_ended(toy: Toy) -> None:
    (schedule,) = [s for s in source_definitions("toy").get_repository_def().schedule_defs if "hourly" in s.name]
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(instance=instance)
        assert schedule.evaluate_tick(context).run_requests
        instance.add_run(dg.DagsterRun(job_name="toy_hourly", status=dg.DagsterRunStatus.STARTED))
        assert "has not ended" in str(schedule.evaluate_tick(context).skip_message)
