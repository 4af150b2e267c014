"""An event starts a load for its own tenant; another attempt loads only what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.contracts.extraction import Connection, Extractor, Window
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.control import changes, open_control, tables
from orchestration.control.delivery_tables import consumer
from orchestration.delivery import registry
from orchestration.delivery.channels.channel import Endpoint, Message, Receipt
from orchestration.delivery.channels.job import CHANNEL, JobSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.failures import ConnectionFailed, SettingsError
from orchestration.landing.store import open_landing
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.tenants import Tenant
from orchestration.warehouse import open_warehouse


@dataclass
class Desk:
    """A source of two entities, each of which can be made to fail; ``asked`` are the reads."""

    broken: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)


class DeskExtractor(Extractor):
    def __init__(self, desk: Desk, tenant: str) -> None:
        self._desk, self._tenant = desk, tenant

    def extract(self, contract: Contract, window: Window) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - all rows
        self._desk.asked.append((self._tenant, contract.entity))
        if contract.entity in self._desk.broken:
            raise ConnectionFailed("The desk does not answer.")
        yield pa.RecordBatch.from_pydict({"id": [1, 2]})

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        return {column.source_name: column.type for column in contract.columns}


@dataclass(frozen=True)
class DeskSource(SourceSystem):
    desk: Desk = field(default_factory=Desk)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {name: _contract(name) for name in ("ticket", "agent")}

    @property
    def faults(self) -> dict[str, Any]:
        return {}

    @contextmanager
    def connect(self, connection: Connection) -> Iterator[Extractor]:
        yield DeskExtractor(self.desk, connection.tenant)


def _contract(entity: str) -> Contract:
    return Contract(
        source="desk",
        entity=entity,
        version="1.0.0",
        description="",
        owner="desk-team",
        physical_name=entity,
        columns=(Column(name="id", source_name="id", type=parse_type("bigint"), required=True),),
        key=("id",),
        cursor=None,
        deletes=Deletes.DAILY,
        soft_delete_column=None,
        sweep_every=timedelta(hours=1),
        overlap=timedelta(minutes=15),
        reject_threshold=1.0,
        shrink_threshold=1.0,
        freshness=timedelta(hours=26),
        additions=Additions.LOAD,
        tenant_column=None,
    )


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def runtime(tmp_path: Path, desk: Desk) -> Runtime:
    settings = Settings(home=tmp_path / "home", scripts_dir=tmp_path / "scripts", lock_wait_seconds=20, _env_file=None)
    description = SourceDescription(title="Desk", owner="desk-team", kind="test")
    source = DeskSource(name="desk", folder=tmp_path, description=description, desk=desk)
    tenants = {name: Tenant(name, name, (Connection(name, "desk"),)) for name in ("acme", "globex")}
    tenants["initech"] = Tenant("initech", "initech", ())
    control = open_control(settings)
    with control.transaction("test") as connection:
        for name in tenants:
            changes.insert(connection, tables.tenant, {"tenant_id": name, "title": name, "state": "active"})
            someone = {"tenant_id": name, "consumer_id": "bi", "title": "BI", "contact": "bi@example.com"}
            changes.insert(connection, consumer, someone)
            registry.add(connection, wish(name))
    return Runtime(settings, {"desk": source}, tenants, open_warehouse(settings), open_landing(settings))


def wish(tenant: str, table: tuple[str, str] = ("gold", "account")) -> Registration:
    return Registration(
        tenant=tenant,
        registration_id="desk-after-account",
        consumer="bi",
        title="",
        events=("gold.table.updated",),
        tables=(table,),
        columns=(),
        where=(),
        payload="reference",
        format="json",
        channel="job",
        settings={"source": {"value": "desk"}},
        endpoint=registry.endpoint_id("job", "job:desk"),
        terms=Terms(),
    )


def run(runtime: Runtime, tenant: str = "acme", *, trial: bool = False, **settings: str) -> Receipt:
    plain = {"source": "desk", "mode": "daily", **settings}
    CHANNEL.check(plain)
    sender = JobSender(Endpoint(tenant, "desk-after-account", "e1", plain, 30), runtime)
    message = Message(
        delivery_id="msg_00000000000000000000000001",
        tenant=tenant,
        registration_id="desk-after-account",
        event_type="gold.table.updated.v1",
        subject="gold.account",
        occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
        attempt=1,
        content_type="application/cloudevents+json",
        extension="json",
        is_trial=trial,
    )
    return asyncio.run(sender.send(message))


def failure(runtime: Runtime, tenant: str = "acme", **more: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        run(runtime, tenant, **more)
    return failed.value


def loaded(runtime: Runtime) -> list[tuple[Any, ...]]:
    with runtime.warehouse.session("look") as session:
        return session.execute(
            "SELECT tenant_id, entity, status, who, run_id FROM strata.load_ledger ORDER BY entity, seq"
        )


def test_an_event_loads_the_source_for_its_own_tenant_under_its_id(runtime: Runtime, desk: Desk) -> None:
    assert run(runtime).detail == "desk: agent, ticket; 4 rows changed"
    of_delivery = ("loaded", "delivery/desk-after-account", "msg_00000000000000000000000001")
    assert loaded(runtime) == [("acme", "agent", *of_delivery), ("acme", "ticket", *of_delivery)]
    assert {tenant for tenant, _ in desk.asked} == {"acme"}


def test_another_attempt_loads_only_what_failed(runtime: Runtime, desk: Desk) -> None:
    desk.broken = {"ticket"}
    failed = failure(runtime)
    assert (failed.failure, failed.is_permanent) == (DeliveryFailure.SERVER_ERROR, False)
    assert "desk/ticket" in failed.message
    desk.broken, desk.asked = set(), []
    run(runtime)
    assert desk.asked == [("acme", "ticket")]


def test_only_the_named_entities_are_loaded(runtime: Runtime, desk: Desk) -> None:
    run(runtime, entities="agent")
    assert desk.asked == [("acme", "agent")]


def test_a_trial_loads_nothing(runtime: Runtime, desk: Desk) -> None:
    assert "nothing was" in run(runtime, trial=True).detail
    assert desk.asked == []


@pytest.mark.parametrize("changed", [{"source": "absent"}, {"entities": "absent"}, {"tenant": "initech"}])
def test_what_cannot_be_loaded_is_found_by_the_trial(runtime: Runtime, changed: dict[str, str]) -> None:
    failed = failure(runtime, trial=True, **changed)
    assert failed.failure is DeliveryFailure.SETTINGS
    assert next(iter(changed.values())) in failed.message


def test_a_suspended_tenants_job_waits(runtime: Runtime, desk: Desk) -> None:
    with runtime.control.transaction("test") as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"state": "suspended"})
    failed = failure(runtime)
    assert (failed.failure, failed.is_permanent) == (DeliveryFailure.SUSPENDED, False)
    assert desk.asked == []


def test_a_job_that_would_start_itself_does_not_run(runtime: Runtime, desk: Desk) -> None:
    with runtime.control.transaction("test") as connection:
        registry.change(connection, wish("acme", ("bronze_desk", "ticket")))
    with pytest.raises(SettingsError, match=r"acme/desk-after-account loads would start it again"):
        run(runtime)
    assert desk.asked == []


@pytest.mark.parametrize(("name", "value"), [("source", ""), ("mode", "init"), ("mode", "weekly")])
def test_settings_that_cannot_work_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        CHANNEL.check({"source": "desk", name: value})
