"""The code location of deliveries: its sensor takes in and asks for runs, its job delivers, and operators see it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from outbox_scene import BILL, Scene
from sqlalchemy import update

from orchestration.control import tables
from orchestration.control.delivery_tables import delivery, endpoint, feed_entry
from orchestration.definitions.delivery import gathering
from orchestration.definitions.delivery.gathering import delivery_sensor
from orchestration.definitions.delivery.job import OP, TAG, deliver
from orchestration.definitions.delivery.location import delivery_definitions
from orchestration.definitions.delivery.tables import CHECK, delivered_key
from orchestration.delivery.terms import Terms

KEY = delivered_key(BILL)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def platform(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The environment that Dagster's processes find."""
    monkeypatch.setenv("STRATA_HOME", str(scene.settings.home))
    nobody = scene.settings.home / "nobody.yaml"
    nobody.write_text("tenants: {}\n", encoding="utf-8")
    monkeypatch.setenv("STRATA_TENANTS_FILE", str(nobody))
    scene.register(channel="feed", settings={})
    return scene


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    answer = delivery_sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(answer, dg.SensorResult)
    return answer


def run(instance: dg.DagsterInstance) -> str:
    result = deliver.execute_in_process(instance=instance)
    assert result.success
    return str(result.output_for_node(OP))


def test_a_tick_takes_in_what_was_published_and_asks_for_a_run(platform: Scene, instance: dg.DagsterInstance) -> None:
    platform.publish(("acme", 1, 1))
    first = tick(instance)
    assert len(first.run_requests or ()) == 1
    assert [row["event_key"] for row in platform.outbox()] == ["gold.bill@1"]
    again = tick(instance, first.cursor)
    assert not again.run_requests
    assert len(platform.deliveries()) == 1


def test_deliveries_of_a_table_have_an_owner_and_say_where_they_are_seen_however_they_go(platform: Scene) -> None:
    platform.publish(("acme", 1, 1))
    spec = next(spec for spec in delivery_definitions().resolve_all_asset_specs() if spec.key == KEY)
    assert spec.owners == ["team:platform"]
    assert spec.kinds == {"delivery"}
    assert "SFTP" in str(spec.description)
    assert "strata deliveries list" in str(spec.metadata["each_delivery"])


def test_the_job_delivers_and_shows_the_version_that_arrived(platform: Scene, instance: dg.DagsterInstance) -> None:
    platform.publish(("acme", 1, 1))
    assert run(instance) == "1 delivered"
    assert len(platform.rows(feed_entry)) == 1
    shown = instance.get_latest_materialization_event(KEY)
    assert shown is not None
    assert shown.asset_materialization is not None
    metadata = {name: value.value for name, value in shown.asset_materialization.metadata.items() if name != "versions"}
    assert metadata == {"version": 1, "delivered": 1, "waiting": 0, "failing": 0, "dead": 0, "lag_seconds": 0.0}
    assert [made.tags[TAG] for made in instance.get_runs()] == ["1 delivered"]
    assert run(instance) == "nothing was due"


def test_a_dead_letter_fails_the_tables_check(platform: Scene, instance: dg.DagsterInstance) -> None:
    platform.publish(("acme", 1, 1))
    cursor = tick(instance).cursor
    with platform.runtime.control.transaction("test") as connection:
        connection.execute(update(delivery).values(state="dead"))
    told = tick(instance, cursor).asset_events
    checks = [event for event in told if isinstance(event, dg.AssetCheckEvaluation)]
    assert [(check.asset_key, check.check_name, check.passed) for check in checks] == [(KEY, CHECK, False)]
    (shown,) = [event.metadata for event in told if isinstance(event, dg.AssetObservation)]
    assert "strata dead-letters list" in str(shown["what_to_do"].value)
    in_trouble = shown["in_trouble"]
    assert isinstance(in_trouble, dg.TableMetadataValue)
    assert [record.data for record in in_trouble.records] == [
        {"label": "acme/bills", "state": "active", "waiting": 0, "dead": 1}
    ]
    check = delivery_definitions().resolve_implicit_global_asset_job_def()
    done = check.execute_in_process(instance=instance, raise_on_error=False)
    assert [evaluation.passed for evaluation in done.get_asset_check_evaluations()] == [False]


def test_what_nobody_takes_is_asked_for_and_what_nobody_may_take_is_not(
    platform: Scene, instance: dg.DagsterInstance
) -> None:
    platform.publish(("acme", 1, 1))
    cursor = tick(instance).cursor
    with platform.runtime.control.transaction("test") as connection:
        connection.execute(update(delivery).values(due_at=1))
    assert tick(instance, cursor).run_requests
    far = int(time.time() * 1000) + 10**9
    for table, values in ((endpoint, {"open_until": far}), (tables.tenant, {"state": "suspended"})):
        with platform.runtime.control.transaction("test") as connection:
            connection.execute(update(endpoint).values(open_until=None))
            connection.execute(update(table).values(**values))
        assert not tick(instance, cursor).run_requests


def test_one_run_delivers_at_a_time(platform: Scene, instance: dg.DagsterInstance) -> None:
    platform.publish(("acme", 1, 1))
    instance.add_run(dg.DagsterRun(job_name=deliver.name, status=dg.DagsterRunStatus.STARTED))
    answer = tick(instance)
    assert not answer.run_requests
    assert "delivers already" in str(answer.skip_reason)


def test_a_tick_ends_in_time_and_the_next_goes_on(
    platform: Scene, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.register(name="failures", events=("load.failed",), tables=(), terms=Terms(quiet_seconds=60))
    platform.record("load.failed", "acme", "salesforce/account", times=50)
    monkeypatch.setattr(gathering, "BATCH", 20)
    monkeypatch.setattr(gathering, "TICK_SECONDS", 0.000_001)
    for read in (20, 40, 50):
        tick(instance)
        assert len(platform.outbox()) == read


def test_each_published_table_is_an_asset_downstream_of_its_publication(platform: Scene) -> None:
    platform.publish(("acme", 1, 1))
    specs = {spec.key: spec for spec in delivery_definitions().resolve_all_asset_specs()}
    assert [dependency.asset_key for dependency in specs[KEY].deps] == [dg.AssetKey(["published", *BILL])]


def test_the_location_loads_before_anything_is_published(platform: Scene) -> None:
    assert [job.name for job in delivery_definitions().resolve_all_job_defs()] == ["deliver"]
