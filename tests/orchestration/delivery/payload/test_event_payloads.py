"""Events that are about no table: one in its envelope, several as a batch; the same on every attempt."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from msgspec.structs import replace
from payload_scene import Scene

from orchestration.delivery.queue.claimed import Claimed, Event
from orchestration.delivery.registration import Registration
from orchestration.failures import SettingsError


def happened(number: int, kind: str = "load.failed") -> Event:
    data = {"source": "shop", "number": number}
    return Event(f"{kind}#{number}", kind, "shop/invoice", None, data, 1_764_547_200_000 + number)


def wish_and_claim(scene: Scene, *events: Event) -> tuple[Registration, Claimed]:
    wish = scene.registration("reference", events=tuple({event.type for event in events}), tables=())
    claimed = scene.claimed(wish, None, 1)
    return wish, replace(claimed, events=events, lane="", subject="shop/invoice", to_version=None)


def test_one_event_has_the_deliverys_id_and_its_own_data(scene: Scene) -> None:
    wish, claimed = wish_and_claim(scene, happened(1))
    message = scene.compose_claimed(wish, claimed)
    document = json.loads(message.body)
    assert (message.content_type, message.event_type) == ("application/cloudevents+json", "load.failed.v1")
    assert (document["id"], document["subject"]) == ("msg_1", "shop/invoice")
    assert document["data"] == {"source": "shop", "number": 1}
    assert "sequence" not in document


def test_the_envelope_is_read_by_the_standards_own_library(scene: Scene) -> None:
    message = scene.compose_claimed(*wish_and_claim(scene, happened(1)))
    event = JSONFormat().read(CloudEvent, message.body)
    assert (event.get_id(), event.get_source(), event.get_type()) == ("msg_1", "/strata/acme", "load.failed.v1")
    assert event.get_time() == datetime(2025, 12, 1, 0, 0, 0, 1000, UTC)
    assert event.get_data() == {"source": "shop", "number": 1}


def test_several_events_are_a_batch_in_their_order_with_ids_of_their_own(scene: Scene) -> None:
    wish, claimed = wish_and_claim(scene, happened(1), happened(2), happened(3, "quality.failed"))
    message = scene.compose_claimed(wish, claimed)
    assert message.content_type == "application/cloudevents-batch+json"
    documents = json.loads(message.body)
    assert [(item["id"], item["type"], item["data"]["number"]) for item in documents] == [
        ("msg_1-1", "load.failed.v1", 1),
        ("msg_1-2", "load.failed.v1", 2),
        ("msg_1-3", "quality.failed.v1", 3),
    ]
    again = scene.compose_claimed(wish, replace(claimed, attempt=2))
    assert again.body == message.body


def test_the_trace_of_the_event_goes_with_it(scene: Scene) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    wish, claimed = wish_and_claim(scene, replace(happened(1), traceparent=trace))
    message = scene.compose_claimed(wish, claimed)
    assert (json.loads(message.body)["traceparent"], message.traceparent) == (trace, trace)


def test_a_business_event_has_the_version_of_its_file(scene: Scene) -> None:
    folder = scene.folder / "scripts" / "events"
    folder.mkdir(parents=True)
    text = "-- version: 3\n-- subject: id\nSELECT _tenant_id, id FROM gold.bill"
    (folder / "bill.made.sql").write_text(text, encoding="utf-8")
    wish, claimed = wish_and_claim(scene, happened(1, "bill.made"))
    document = json.loads(scene.compose_claimed(wish, claimed).body)
    assert (document["type"], document["dataschema"]) == ("bill.made.v3", "urn:strata:event:bill.made:v3")


def test_a_type_whose_file_is_gone_is_told_by_name(scene: Scene) -> None:
    wish, claimed = wish_and_claim(scene, happened(1, "bill.made"))
    with pytest.raises(SettingsError, match=r"no event type 'bill\.made'"):
        scene.compose_claimed(wish, claimed)
