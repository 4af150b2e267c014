"""A wish becomes a registration only when everything in it fits and its endpoint took a real delivery."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from orchestration.access import Permission, Principal
from orchestration.access.refusals import Forbidden
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailed
from orchestration.delivery.registering.registering import register, rotate_secrets
from orchestration.delivery.registration import Registration
from orchestration.delivery.sealing import Seal
from orchestration.failures import SettingsError, StrataError
from orchestration.runtime import Runtime

from .conftest import Receiver, wish

PLACE = ("acme", "bi-usage")


def kept(runtime: Runtime) -> Registration:
    with runtime.control.reading() as connection:
        return registry.find(connection, PLACE)


def test_the_endpoint_takes_a_signed_test_delivery_before_anything_is_kept(
    runtime: Runtime, person: Principal, receiver: Receiver
) -> None:
    registered = register(runtime, PLACE, wish(receiver), person)
    ((headers, body),) = receiver.requests
    key = registered.made["signing_key"].get_secret_value()
    event = Webhook(key).verify(body.decode(), headers)
    assert (event["type"], event["source"]) == ("strata.registration.test.v1", "/strata/acme")
    assert kept(runtime).tables == (("gold", "license_usage"),)


def test_an_endpoint_that_refuses_is_not_registered(runtime: Runtime, person: Principal, receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(DeliveryFailed, match="500"):
        register(runtime, PLACE, wish(receiver), person)
    with pytest.raises(SettingsError, match="no registration 'bi-usage'"):
        kept(runtime)


def test_the_signing_key_is_readable_nowhere_in_the_control_plane(
    runtime: Runtime, person: Principal, receiver: Receiver
) -> None:
    key = register(runtime, PLACE, wish(receiver), person).made["signing_key"].get_secret_value()
    with runtime.control.reading() as connection:
        for name in ("registration", "audit"):
            rows = connection.execute(text(f"SELECT * FROM {name}")).fetchall()
            assert key.removeprefix("whsec_")[:12] not in str(rows)
    assert key not in repr(kept(runtime))
    endpoint = registry.resolve_endpoint(kept(runtime), Seal(runtime.settings, runtime.control))
    assert endpoint.secret("signing_key") == key
    assert key not in repr(endpoint)


def test_after_a_rotation_both_keys_sign_until_the_overlap_ends(
    runtime: Runtime, person: Principal, receiver: Receiver
) -> None:
    first = register(runtime, PLACE, wish(receiver), person).made["signing_key"].get_secret_value()
    second = rotate_secrets(runtime, PLACE, person, 24).made["signing_key"].get_secret_value()
    endpoint = registry.resolve_endpoint(kept(runtime), Seal(runtime.settings, runtime.control))
    assert first != second
    assert (endpoint.secret("signing_key"), endpoint.secret("previous_signing_key")) == (second, first)
    assert datetime.fromisoformat(endpoint.get("previous_until")) > datetime.now(UTC)
    register(runtime, PLACE, wish(receiver, title="Usage"), person, replace_it=True)
    headers, body = receiver.requests[-1]
    for key in (first, second):
        Webhook(key).verify(body.decode(), headers)


def test_a_change_keeps_the_key_and_asks_the_endpoint_again(
    runtime: Runtime, person: Principal, receiver: Receiver
) -> None:
    key = register(runtime, PLACE, wish(receiver), person).made["signing_key"].get_secret_value()
    changed = register(runtime, PLACE, wish(receiver, where=["share_used>=0.9"]), person, replace_it=True)
    assert (changed.made, kept(runtime).where) == ({}, ("share_used>=0.9",))
    Webhook(key).verify(receiver.requests[-1][1].decode(), receiver.requests[-1][0])


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"events": ["gold.rows.changd"]}, "no event 'gold.rows.changd'"),
        ({"events": []}, "No event is named"),
        ({"tables": []}, "No table is named"),
        ({"tables": ["gold.usage"]}, "gold.usage is no published table"),
        ({"columns": ["seats"]}, "has no column 'seats'"),
        ({"columns": ["_tenant_id"]}, "has no column '_tenant_id'"),
        ({"where": ["share_used>=much"]}, "much"),
        ({"where": ["_tenant_id=globex"]}, "no column '_tenant_id'"),
        ({"where": ["share_used >= 1; DROP TABLE x"]}, "DROP"),
        ({"payload": "reference"}, "carries changed rows"),
        ({"events": ["gold.table.updated"]}, "Changed rows come with gold.rows.changed alone"),
        ({"terms": {"ordering": "none"}}, "need their order"),
        ({"terms": {"quiet_seconds": -1}}, "quiet_seconds -1 is out of range"),
        ({"terms": {"quiet_seconds": 60, "longest_wait_seconds": 30}}, "more than longest_wait_seconds"),
        ({"terms": {"hours": "25:00-26:00"}}, "no time of day"),
        ({"terms": {"days": "mo-fr"}}, "no weekdays"),
        ({"terms": {"timezone": "Mars/Base"}}, "no IANA time zone"),
        ({"terms": {"retries": [0]}}, "retries 0 is out of range"),
        ({"channel": "pigeon"}, "no channel 'pigeon'"),
        ({"settings": {"url": "https://example.com", "colour": "red"}}, "no setting 'colour'"),
        ({"settings": {}}, "needs url"),
        ({"settings": {"url": "https://example.com", "authorization": "Bearer x"}}, "authorization is a secret"),
        ({"secrets": {"authorization": "Bearer x"}}, "by reference"),
        ({"consumer": "nobody"}, "no consumer 'nobody'"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_in_words_and_nothing_is_kept(
    runtime: Runtime, person: Principal, receiver: Receiver, fields: dict[str, object], fault: str
) -> None:
    with pytest.raises(StrataError, match="(?s)" + fault) as caught:
        register(runtime, PLACE, wish(receiver, **fields), person)
    assert caught.value.remedy
    with pytest.raises(SettingsError, match="no registration"):
        kept(runtime)


def test_another_tenants_key_learns_nothing_and_a_key_without_the_scope_may_not(
    runtime: Runtime, receiver: Receiver
) -> None:
    stranger = Principal("globex", "portal", frozenset(Permission))
    with pytest.raises(StrataError, match="acme"):
        register(runtime, PLACE, wish(receiver), stranger)
    reader = Principal("acme", "portal", frozenset({Permission.READ}))
    with pytest.raises(Forbidden, match="delivery"):
        register(runtime, PLACE, wish(receiver), reader)
    assert receiver.requests == []


def test_a_removed_name_may_be_taken_again_and_the_trail_tells_it_all(
    runtime: Runtime, person: Principal, receiver: Receiver
) -> None:
    register(runtime, PLACE, wish(receiver), person, trial=False)
    with runtime.control.transaction("ops@host") as connection:
        registry.remove(connection, PLACE)
    register(runtime, PLACE, wish(receiver, title="Again"), person, trial=False)
    assert kept(runtime).title == "Again"
    with runtime.control.reading() as connection:
        rows = connection.execute(text("SELECT action FROM audit WHERE subject LIKE 'registration%' ORDER BY audit_id"))
        assert rows.scalars().all() == ["insert", "delete", "restore", "update"]
    assert json.dumps(kept(runtime).settings).count("sealed") == 1
