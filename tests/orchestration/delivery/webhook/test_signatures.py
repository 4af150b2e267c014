"""Signatures: the standard's own vectors, keys of both kinds, tampering, and a key that is replaced without a gap."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from orchestration.delivery.channels.channel import channel
from orchestration.delivery.signatures import Scheme, SignatureRefused, Signer, make_key, verification_key, verify
from orchestration.failures import SettingsError

from .webhook_scenes import Arrival, deliver

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


def arrived(**settings: str) -> Arrival:
    _, receiver = deliver(**settings)
    return receiver.arrivals[0]


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def test_while_a_key_is_replaced_both_sign() -> None:
    old, new = make_key(), make_key()
    arrival = arrived(key=new, previous_signing_key=old, previous_until=in_an_hour())
    for key in (old, new):
        Webhook(key).verify(arrival.body, arrival.headers)


@pytest.mark.parametrize("until", ["2026-01-01T00:00:00+00:00", ""])
def test_when_the_overlap_has_ended_the_new_key_signs_alone(until: str) -> None:
    old, new = make_key(), make_key()
    arrival = arrived(key=new, previous_signing_key=old, previous_until=until)
    verify(new, arrival.headers, arrival.body, time.time())
    with pytest.raises(SignatureRefused):
        verify(old, arrival.headers, arrival.body, time.time())


def test_a_registration_may_move_from_a_shared_secret_to_a_public_key() -> None:
    shared, made = make_key(), channel("webhook").make("signing_key", {"scheme": "ed25519"})
    arrival = arrived(key=made.value.get_secret_value(), previous_signing_key=shared, previous_until=in_an_hour())
    shown = made.shown.get_secret_value()
    assert shown.startswith("whpk_")
    for key in (shared, shown):
        verify(key, arrival.headers, arrival.body, time.time())


def test_of_a_made_shared_secret_the_consumer_is_shown_all() -> None:
    made = channel("webhook").make("signing_key", {})
    assert made.shown == made.value
    assert made.shown.get_secret_value().startswith("whsec_")
