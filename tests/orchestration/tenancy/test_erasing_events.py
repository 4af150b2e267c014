"""A person goes out of the events that a query over gold made of them; everybody else's stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tenancy_house import wish

from orchestration.control import changes, tables
from orchestration.control.delivery_tables import outbox
from orchestration.delivery import consumers, registry
from orchestration.publication import event_log
from orchestration.publication.event_log import NewEvent, record_events
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.tenancy.erasing.derived import cuts_of
from orchestration.tenancy.erasing.events import erase_from_events, erase_from_outbox
from orchestration.tenancy.erasing.traces import Traces
from orchestration.warehouse import apply, open_warehouse

CONTACT = ("bronze_salesforce", "contact")
TRACES = {CONTACT: Traces(keys={"salesforce|main|1"}, values={"ann@acme.example"})}
QUERY = "-- subject: contact_key\nSELECT _tenant_id, contact_key, email, seats FROM gold.card"


def key(model: str) -> dict[str, object]:
    columns = {"columns": ["_tenant_id", "contact_key"]}
    return {"test_metadata": {"name": "key", "kwargs": columns}, "attached_node": f"model.{model}"}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    settings = Settings(home=tmp_path / "home", scripts_dir=tmp_path, _env_file=None)
    nodes = {
        "model.contact": {"schema": "silver", "name": "contact"},
        "model.card": {"schema": "gold", "name": "card"},
        "test.contact": key("contact"),
        "test.card": key("card"),
    }
    manifest = {
        "nodes": nodes,
        "sources": {"source.contact": {"schema": CONTACT[0], "identifier": CONTACT[1]}},
        "parent_map": {"model.contact": ["source.contact"], "model.card": ["model.contact"]},
        "child_map": {"source.contact": ["model.contact"], "model.contact": ["model.card"]},
    }
    target = settings.home / "dbt" / "state" / "target"
    target.mkdir(parents=True)
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (settings.home / "dbt" / "last_good").write_text("state", encoding="utf-8")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "card.made.sql").write_text(QUERY, encoding="utf-8")
    return Runtime(settings, {}, {}, open_warehouse(settings), None)


def made(tenant: str, number: int, email: str) -> NewEvent:
    contact = f"salesforce|main|{number}"
    return NewEvent("card.made", tenant, contact, {"contact_key": contact, "email": email, "seats": 3})


def test_their_own_events_go_and_others_lose_their_value(runtime: Runtime) -> None:
    with runtime.warehouse.session("test") as session:
        apply.apply(session)
        record_events(
            session,
            [
                made("acme", 1, "ann@acme.example"),
                made("acme", 2, " Ann@acme.example"),
                made("acme", 3, "bob@acme.example"),
                made("globex", 1, "ann@acme.example"),
            ],
        )
        found = list(erase_from_events(session, runtime.settings, cuts_of(runtime, "acme", TRACES)))
        rows = session.execute(f"SELECT tenant_id, data FROM {event_log.LOG} ORDER BY seq")
    assert [(tenant, json.loads(data)["email"]) for tenant, data in rows] == [
        ("acme", None),
        ("acme", "bob@acme.example"),
        ("globex", "ann@acme.example"),
    ]
    assert [(item.kind, item.pieces) for item in found] == [("rows deleted", 1), ("rows emptied", 1)]


def test_what_is_kept_of_events_for_deliveries_is_emptied(runtime: Runtime) -> None:
    with runtime.control.transaction("test") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "acme", "title": "Acme", "state": "active"})
        consumers.add(connection, "acme", "bi", "", "bi@example.com")
        registry.add(connection, wish("acme", "cards"))
        for number, email in ((1, "ann@acme.example"), (2, "Ann@acme.example"), (3, "bob@acme.example")):
            event = made("acme", number, email)
            connection.execute(insert(outbox).values(**gathered(event, number)))
        found = list(erase_from_outbox(connection, runtime.settings, cuts_of(runtime, "acme", TRACES)))
        kept = connection.execute(select(outbox.c.data).order_by(outbox.c.event_key)).scalars().all()
    assert kept == [
        {"contact_key": None, "email": None, "seats": None},
        {"contact_key": "salesforce|main|2", "email": None, "seats": 3},
        {"contact_key": "salesforce|main|3", "email": "bob@acme.example", "seats": 3},
    ]
    assert [(item.place, item.pieces) for item in found] == [("control plane", 2)]


def gathered(event: NewEvent, number: int) -> dict[str, object]:
    return {
        "tenant_id": event.tenant,
        "registration_id": "cards",
        "event_key": f"card.made#{number}",
        "delivery_id": "msg_1",
        "event_type": event.type,
        "subject": event.subject,
        "data": dict(event.data),
        "occurred_at": 0,
    }
