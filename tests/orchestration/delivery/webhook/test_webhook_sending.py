"""What a receiver gets, and what its answers mean."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from orchestration.delivery.channels.webhook import sender
from orchestration.delivery.failures import DeliveryFailure

from .webhook_scenes import KEY, MESSAGE, deliver, receiving, refused, sending


def test_a_message_arrives_with_a_signature_that_the_standards_library_accepts() -> None:
    receipt, receiver = deliver(200)
    (arrival,) = receiver.arrivals
    assert receipt.status_code == 200
    assert Webhook(KEY).verify(arrival.body, arrival.headers) == {"specversion": "1.0"}
    assert arrival.headers["webhook-id"] == arrival.headers["idempotency-key"] == MESSAGE.delivery_id
    assert arrival.headers["content-type"] == "application/cloudevents+json"


def test_a_bigger_body_comes_from_a_file_and_says_in_headers_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(bytes(range(256)) * 1000)
    message = replace(
        MESSAGE,
        body=b"",
        file=file,
        content_type="application/vnd.apache.parquet",
        subject="gold.überblick 1%",
        sequence=7,
    )
    _, receiver = deliver(message=message)
    (arrival,) = receiver.arrivals
    assert arrival.body == file.read_bytes()
    told = {name: value for name, value in arrival.headers.items() if name.startswith("ce-")}
    assert told == {
        "ce-specversion": "1.0",
        "ce-id": MESSAGE.delivery_id,
        "ce-source": "/strata/acme",
        "ce-type": "gold.table.updated.v1",
        "ce-subject": "gold.%C3%BCberblick%201%25",
        "ce-time": "2026-11-01T06:00:00.000Z",
        "ce-registration": "bi-usage",
        "ce-sequence": "00000000000000000007",
    }


def test_a_body_that_is_too_large_is_not_sent_and_says_what_else_there_is() -> None:
    failed = refused(message=replace(MESSAGE, body=b"x" * 101), largest_body="100")
    assert failed.failure is DeliveryFailure.TOO_LARGE
    assert failed.is_permanent
    assert "reference" in failed.remedy


def test_every_attempt_has_the_same_id_and_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((1_800_000_000.0, 1_800_000_400.5))
    monkeypatch.setattr(sender, "time", SimpleNamespace(time=lambda: next(times)))

    async def twice() -> list[tuple[str, str]]:
        async with receiving() as receiver, sending(receiver.url) as way:
            await way.send(MESSAGE)
            await way.send(replace(MESSAGE, attempt=2))
            return [(item.headers["webhook-id"], item.headers["webhook-timestamp"]) for item in receiver.arrivals]

    assert asyncio.run(twice()) == [(MESSAGE.delivery_id, "1800000000"), (MESSAGE.delivery_id, "1800000400")]


def test_the_trace_and_a_registrations_own_headers_arrive() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, receiver = deliver(
        message=replace(MESSAGE, traceparent=trace), headers='{"X-Team": "bi"}', authorization="Bearer canary-1"
    )
    headers = receiver.arrivals[0].headers
    assert (headers["traceparent"], headers["x-team"], headers["authorization"]) == (trace, "bi", "Bearer canary-1")


def test_connections_are_kept_between_messages() -> None:
    async def ten() -> int:
        async with receiving() as receiver, sending(receiver.url) as way:
            for _ in range(10):
                await way.send(MESSAGE)
            return len({item.peer for item in receiver.arrivals})

    assert asyncio.run(ten()) == 1


@pytest.mark.parametrize(
    ("status", "failure", "is_permanent"),
    [
        (301, DeliveryFailure.REDIRECT, False),
        (307, DeliveryFailure.REDIRECT, False),
        (400, DeliveryFailure.CLIENT_ERROR, False),
        (401, DeliveryFailure.CLIENT_ERROR, False),
        (408, DeliveryFailure.TIMEOUT, False),
        (410, DeliveryFailure.GONE, True),
        (413, DeliveryFailure.TOO_LARGE, True),
        (429, DeliveryFailure.THROTTLED, False),
        (499, DeliveryFailure.CLIENT_ERROR, False),
        (500, DeliveryFailure.SERVER_ERROR, False),
        (503, DeliveryFailure.SERVER_ERROR, False),
        (599, DeliveryFailure.SERVER_ERROR, False),
    ],
)
def test_a_status_decides_what_follows(status: int, failure: DeliveryFailure, is_permanent: bool) -> None:
    failed = refused(status)
    assert (failed.failure, failed.status_code, failed.is_permanent) == (failure, status, is_permanent)


def test_what_came_back_is_told_in_one_line() -> None:
    async def explain(_: web.Request) -> web.Response:
        return web.Response(status=401, text="no\n\tsignature \x1b[31mfits. " + "x" * 1000)

    failed = refused(explain)
    assert failed.message.startswith("127.0.0.1 answered with 401: no signature [31mfits. xxx")
    assert len(failed.message) < 300
    assert "--secret signing_key" in failed.remedy


def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})

    assert refused(elsewhere).failure is DeliveryFailure.REDIRECT


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("120", 120, 120),
        (timedelta(hours=1), 3500, 3600),
        (timedelta(hours=-1), 0, 0),
    ],
)
def test_retry_after_is_read_as_seconds(given: str | timedelta, least: float, most: float) -> None:
    value = given if isinstance(given, str) else format_datetime(datetime.now(UTC) + given, usegmt=True)

    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": value})

    found = refused(busy).retry_after
    assert found is not None
    assert least <= found <= most


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "²", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_none(value: str) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": value} if value else {})

    assert refused(busy).retry_after is None
