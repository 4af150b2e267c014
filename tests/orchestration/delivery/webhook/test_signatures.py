"""Signatures: the standard's own vectors, keys of both kinds, tampering, and a key that is replaced without a gap."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from orchestration.control import open_control, schema
from orchestration.delivery.channels.webhook.signing_key import key_to_show, with_new_key
from orchestration.delivery.registration import Registration
from orchestration.delivery.registry import resolve_endpoint
from orchestration.delivery.sealing import Seal
from orchestration.delivery.signatures import Scheme, SignatureRefused, Signer, make_key, verification_key, verify
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError
from orchestration.settings import load_settings

from .webhook_scenes import LOOPBACK, MESSAGE, Arrival, open_webhook, receiving

NOW = 1_800_000_000


def signed(key: str, body: bytes, message_id: str = "msg_1", timestamp: int = NOW) -> dict[str, str]:
    signature = Signer([key]).sign(message_id, timestamp, body)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_the_standards_public_vector_comes_out() -> None:
    signer = Signer(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_private_key_as_the_standard_writes_it_makes_a_signature_that_its_public_key_checks() -> None:
    private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
    public = verification_key(private)
    # The second half of the standard's private keys is the public key.
    assert base64.b64decode(public.removeprefix("whpk_")) == base64.b64decode(private.removeprefix("whsk_"))[32:]
    headers = signed(private, b"x")
    assert headers["webhook-signature"].startswith("v1a,")
    verify(public, headers, b"x", NOW)


@given(st.sampled_from(["hmac", "ed25519"]), st.binary(max_size=200), st.integers(0, 2**40))
def test_what_is_signed_is_accepted_and_anything_else_is_not(scheme: Scheme, body: bytes, timestamp: int) -> None:
    key = make_key(scheme)
    headers = signed(key, body, timestamp=timestamp)
    verify(verification_key(key), headers, body, timestamp)
    for changed, content in [
        (headers, body + b" "),
        (headers | {"webhook-id": "msg_2"}, body),
        (headers | {"webhook-timestamp": str(timestamp + 1)}, body),
        (signed(make_key(scheme), body, timestamp=timestamp), body),
    ]:
        with pytest.raises(SignatureRefused):
            verify(verification_key(key), changed, content, timestamp)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_headers_that_nobody_signed_are_refused_whatever_they_are(signature: str, timestamp: str, name: str) -> None:
    headers = {
        "webhook-id": name,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature} v1a,{signature}",
    }
    for key in (make_key(), verification_key(make_key("ed25519"))):
        with pytest.raises(SignatureRefused):
            verify(key, headers, b"", NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_message_from_more_than_five_minutes_away_is_refused(seconds: int) -> None:
    key = make_key()
    with pytest.raises(SignatureRefused, match="five minutes"):
        verify(key, signed(key, b"x"), b"x", NOW + seconds)


def test_an_id_with_a_point_is_never_signed() -> None:
    with pytest.raises(ValueError, match=r"msg_1\.1800000000"):
        Signer([make_key()]).sign("msg_1.1800000000", NOW, b"")


@pytest.mark.parametrize(
    "key", ["", "canary-1", "whsec_", "whsec_canary!", "whsec_c2hvcnQ=", "whsk_c2hvcnQ=", "whpk_" + "A" * 43, "whsec_ä"]
)
def test_what_is_no_key_for_signing_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Signer([key])
    assert "canary" not in str(caught.value)


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    settings = load_settings(home=tmp_path)
    control = open_control(settings)
    schema.upgrade(control)
    return Seal(settings, control)


def wish(url: str) -> Registration:
    return Registration(
        tenant="acme", registration_id="bi", consumer="bi", title="", events=(), tables=(), columns=(), where=(),
        payload="reference", format="json", channel="webhook", settings={"url": {"value": url}}, endpoint="e1",
        terms=Terms(),
    )  # fmt: skip


def delivered(wish: Registration, seal: Seal) -> Arrival:
    async def run() -> Arrival:
        async with receiving() as receiver:
            placed = replace(wish, settings={**wish.settings, "url": {"value": receiver.url}})
            way = open_webhook(resolve_endpoint(placed, seal), LOOPBACK)
            await way.send(MESSAGE)
            await way.close()
            return receiver.arrivals[0]

    return asyncio.run(run())


def test_a_registrations_key_is_kept_sealed_and_signs(seal: Seal) -> None:
    registered = with_new_key(wish("http://x.example.com"), seal)
    key = key_to_show(registered, seal)
    assert key.startswith("whsec_")
    assert key not in str(registered.settings)
    arrival = delivered(registered, seal)
    Webhook(key).verify(arrival.body, arrival.headers)


def test_while_a_key_is_replaced_both_sign_and_afterwards_the_new_one_alone(seal: Seal) -> None:
    before = with_new_key(wish("http://x.example.com"), seal)
    during = with_new_key(before, seal, overlap_until=datetime.now(UTC) + timedelta(hours=1))
    after = replace(during, settings={**during.settings, "previous_until": {"value": "2026-01-01T00:00:00+00:00"}})
    old, new = key_to_show(before, seal), key_to_show(during, seal)
    assert old != new
    arrival = delivered(during, seal)
    for key in (old, new):
        Webhook(key).verify(arrival.body, arrival.headers)
    arrival = delivered(after, seal)
    verify(new, arrival.headers, arrival.body, time.time())
    with pytest.raises(SignatureRefused):
        verify(old, arrival.headers, arrival.body, time.time())


def test_a_key_that_leaked_is_let_go_at_once(seal: Seal) -> None:
    before = with_new_key(wish("http://x.example.com"), seal)
    arrival = delivered(with_new_key(before, seal), seal)
    with pytest.raises(SignatureRefused):
        verify(key_to_show(before, seal), arrival.headers, arrival.body, time.time())


def test_a_registration_may_move_from_a_shared_secret_to_a_public_key(
    seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSUMERS_SECRET", make_key())
    first = wish("http://x.example.com")
    given_by_reference = replace(
        first, settings={**first.settings, "signing_key": {"reference": "env:CONSUMERS_SECRET"}}
    )
    moved = with_new_key(
        given_by_reference, seal, scheme="ed25519", overlap_until=datetime.now(UTC) + timedelta(minutes=5)
    )
    arrival = delivered(moved, seal)
    assert key_to_show(moved, seal).startswith("whpk_")
    for key in (key_to_show(given_by_reference, seal), key_to_show(moved, seal)):
        verify(key, arrival.headers, arrival.body, time.time())
