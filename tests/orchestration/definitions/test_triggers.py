"""What requests a build and the day's close, tick by tick, from the status file alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import msgspec
import pytest

from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.triggers import build_sensor, decide_financial
from orchestration.publication.status import BuildStatus, EntityStatus, Status, status_path
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings
from orchestration.tenancy.plans import move_to_plan

JOB = dg.define_asset_job("warehouse_build", selection=dg.AssetSelection.groups("silver"))
MORNING = datetime(2026, 11, 20, 7, 15, tzinfo=UTC)
MODELS = {"product": "customer", "salesforce": "opportunity"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text(
        "tenants:\n  acme: {connections: {product: simulated}}\n  globex: {connections: {product: simulated}}\n"
    )
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRATA_TENANTS_FILE", str(tenants))
    monkeypatch.setenv("STRATA_TIMEZONE", "UTC")
    return tmp_path


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def project(tmp_path: Path) -> DbtProject:
    """A project in which each source has one model in silver, and both meet in gold."""
    names = {**MODELS, "both": "account"}
    nodes = {
        f"model.strata.{name}": {
            "resource_type": "model", "schema": "gold" if name == "account" else "silver", "name": name, "tags": [],
        }
        for name in names.values()
    }  # fmt: skip
    sources = {f"source.strata.{name}.x": {"source_name": f"bronze_{name}"} for name in MODELS}
    children = {f"source.strata.{source}.x": [f"model.strata.{model}"] for source, model in MODELS.items()}
    children |= {f"model.strata.{model}": ["model.strata.account"] for model in MODELS.values()}
    folder = tmp_path / "project"
    (folder / "target").mkdir(parents=True)
    manifest = {"nodes": nodes, "sources": sources, "child_map": children}
    (folder / "target" / "manifest.json").write_text(json.dumps(manifest))
    return DbtProject(folder, "state")


def write(**fields: Any) -> None:
    path = status_path(load_settings())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(Status(written_at=MORNING, **fields)))


def build(kind: str, up_to: int, status: str = "succeeded", good: int | None = None, at: datetime = MORNING) -> Any:
    return BuildStatus(
        kind=kind, build_id="b", up_to_seq=up_to, good_up_to_seq=up_to if good is None else good, status=status,
        started_at=at, finished_at=at,
    )  # fmt: skip


def daily(tenant: str, at: datetime) -> list[EntityStatus]:
    entities = [path.stem for path in (load_settings().sources_dir / "product" / "contracts").glob("*.yaml")]
    return [
        EntityStatus(
            tenant=tenant, source="product", connection="main", entity=entity, mode="full", requested="daily",
            status="loaded", message="", load_id="l", last_load_at=at, loaded_at=at, watermark=at, daily_at=at,
            rejects_open=0, held=0,
        )
        for entity in entities
    ]  # fmt: skip


def tick(project: DbtProject, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    context = dg.build_sensor_context(instance=instance)
    answer = build_sensor(project, JOB)(context)
    if isinstance(answer, dg.SkipReason):
        return str(answer.skip_message)
    assert isinstance(answer, dg.RunRequest)
    return answer


def selected(request: dg.RunRequest | str) -> set[str]:
    assert isinstance(request, dg.RunRequest), request
    return {key.to_user_string() for key in request.asset_selection or ()}


def running(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    run = dg.DagsterRun(job_name=job, status=status)
    instance.add_run(run)
    return run.run_id


def test_nothing_is_requested_before_the_first_load(project: DbtProject, instance: dg.DagsterInstance) -> None:
    assert "No source has changed" in str(tick(project, instance))


def test_only_what_is_downstream_of_the_changed_source_is_requested(
    project: DbtProject, instance: dg.DagsterInstance
) -> None:
    write(changed_seq={"product": 4, "salesforce": 9}, builds=(build("warehouse", 7),))
    assert selected(tick(project, instance)) == {"silver/opportunity", "gold/account", "published/gold/account"}


def test_every_build_tells_of_a_project_that_does_not_parse(project: DbtProject, instance: dg.DagsterInstance) -> None:
    write(changed_seq={"product": 4})
    broken = DbtProject(project.folder, project.fingerprint, "no such model")
    assert "silver/dbt_project" in selected(tick(broken, instance))


def test_a_source_without_models_asks_for_no_build(project: DbtProject, instance: dg.DagsterInstance) -> None:
    write(changed_seq={"hubspot": 4})
    assert "No source has changed" in str(tick(project, instance))


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_changes_during_a_build_wait_for_it_and_join_the_next(
    project: DbtProject, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    write(changed_seq={"product": 4})
    run_id = running(instance, "warehouse_build", status)
    assert run_id in str(tick(project, instance))
    write(changed_seq={"product": 4, "salesforce": 6})
    instance.delete_run(run_id)
    assert selected(tick(project, instance)) >= {"silver/customer", "silver/opportunity"}


def test_after_a_build_the_same_change_is_not_requested_again(
    project: DbtProject, instance: dg.DagsterInstance
) -> None:
    write(changed_seq={"product": 4}, builds=(build("warehouse", 4),))
    assert isinstance(tick(project, instance), str)


def test_a_second_change_of_the_same_source_is_requested_again(
    project: DbtProject, instance: dg.DagsterInstance
) -> None:
    requests = []
    for seq in (4, 8):
        write(changed_seq={"product": seq}, builds=(build("warehouse", seq - 1),))
        request = tick(project, instance)
        assert isinstance(request, dg.RunRequest)
        requests.append(request.run_key)
    assert requests == [None, None]  # a key would be remembered for ever


def test_a_failed_build_waits_for_news_and_then_takes_in_what_it_had_failed_on(
    project: DbtProject, instance: dg.DagsterInstance
) -> None:
    failed = build("warehouse", 5, "failed", good=2)
    write(changed_seq={"product": 5}, builds=(failed,))
    assert isinstance(tick(project, instance), str)
    write(changed_seq={"product": 5, "salesforce": 6}, builds=(failed,))
    assert selected(tick(project, instance)) >= {"silver/customer", "silver/opportunity"}


def test_a_build_that_was_killed_is_requested_again_once_its_run_is_gone(
    project: DbtProject, instance: dg.DagsterInstance
) -> None:
    write(changed_seq={"product": 5}, builds=(build("warehouse", 5, "running", good=2),))
    run_id = running(instance, "warehouse_build", dg.DagsterRunStatus.STARTED)
    assert run_id in str(tick(project, instance))
    instance.delete_run(run_id)
    assert "silver/customer" in selected(tick(project, instance))


def close(instance: dg.DagsterInstance, now: datetime = MORNING) -> dg.RunRequest | str:
    answer = decide_financial(instance, now)
    return str(answer.skip_message) if isinstance(answer, dg.SkipReason) else answer


def test_the_close_waits_until_every_daily_load_of_today_is_done(instance: dg.DagsterInstance) -> None:
    write(entities=(*daily("acme", MORNING), *daily("globex", MORNING - timedelta(days=1))))
    assert "globex" in str(close(instance))
    write(entities=(*daily("acme", MORNING), *daily("globex", MORNING)))
    assert close(instance) == dg.RunRequest()


def test_the_close_waits_for_the_build_after_the_loads(instance: dg.DagsterInstance) -> None:
    entities = (*daily("acme", MORNING), *daily("globex", MORNING))
    write(entities=entities, changed_seq={"product": 3}, builds=(build("warehouse", 1),))
    assert "has not been built" in str(close(instance))
    run_id = running(instance, "warehouse_build", dg.DagsterRunStatus.STARTED)
    write(entities=entities, changed_seq={"product": 3}, builds=(build("warehouse", 3),))
    assert run_id in str(close(instance))


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_the_close_runs_once_a_day(instance: dg.DagsterInstance, status: str) -> None:
    entities = (*daily("acme", MORNING), *daily("globex", MORNING))
    write(entities=entities, builds=(build("financial", 0, status),))
    assert status in str(close(instance))
    write(entities=entities, builds=(build("financial", 0, status, at=MORNING - timedelta(days=1)),))
    assert isinstance(close(instance), dg.RunRequest)


def test_at_noon_the_close_leaves_out_the_tenant_whose_load_is_missing(instance: dg.DagsterInstance) -> None:
    write(entities=tuple(daily("acme", MORNING)))
    request = close(instance, MORNING.replace(hour=12, minute=0))
    assert isinstance(request, dg.RunRequest)
    assert left_out(request)["globex"].startswith("product (")
    assert list(left_out(request)) == ["globex"]
    assert request.tags["strata/left_out"] == "globex"


def test_at_noon_a_close_that_nobody_is_ready_for_tells_of_everybody(instance: dg.DagsterInstance) -> None:
    write(entities=tuple(daily("acme", MORNING - timedelta(days=1))))
    request = close(instance, MORNING.replace(hour=12, minute=0))
    assert isinstance(request, dg.RunRequest)
    assert list(left_out(request)) == ["acme", "globex"]


def left_out(request: dg.RunRequest) -> dict[str, str]:
    config = request.run_config["ops"]["financial_scripts"]["config"]
    assert set(config) == {"left_out"}
    return dict(config["left_out"])


def test_a_close_that_waits_names_tenant_source_and_entities(instance: dg.DagsterInstance) -> None:
    done = [item for item in daily("globex", MORNING) if item.entity not in ("invoice", "payment")]
    write(entities=(*daily("acme", MORNING), *done))
    assert "globex waits for product (invoice, payment)." in str(close(instance))


@pytest.mark.parametrize("changes", [{"schedules": {"product": {"daily": "never"}}}, {"features": {"daily": False}}])
def test_nobody_waits_for_loads_that_a_plan_switches_off(instance: dg.DagsterInstance, changes: dict[str, Any]) -> None:
    move_to_plan(open_runtime().control, "globex", None, changes)
    write(entities=tuple(daily("acme", MORNING)))
    assert close(instance) == dg.RunRequest()


def test_a_close_that_was_killed_is_requested_again(instance: dg.DagsterInstance) -> None:
    entities = (*daily("acme", MORNING), *daily("globex", MORNING))
    write(entities=entities, builds=(build("financial", 0, "running"),))
    assert close(instance) == dg.RunRequest()


def test_today_begins_at_midnight_of_the_platforms_zone(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATA_TIMEZONE", "America/New_York")
    evening_before = datetime(2026, 11, 19, 23, 0, tzinfo=ZoneInfo("America/New_York"))
    write(entities=(*daily("acme", evening_before), *daily("globex", evening_before)))
    assert "missing" in str(close(instance, datetime(2026, 11, 20, 7, 0, tzinfo=ZoneInfo("America/New_York"))))
