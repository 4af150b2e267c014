"""NATS JetStream: a message is sent when a stream has it, once, and never in clear by mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import pytest
import trustme
from nats.js.client import JetStreamContext

from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .bus_scenes import endpoint, message, opened
from .bus_servers import PASSWORD, USER, NatsServer

pytestmark = pytest.mark.server("nats")


async def stream_of(server: NatsServer, work: Callable[[JetStreamContext], Awaitable[object]]) -> object:
    client = await nats.connect(f"nats://127.0.0.1:{server.port}", user=USER, password=PASSWORD)
    try:
        return await work(client.jetstream())
    finally:
        await client.close()


async def added(stream: JetStreamContext) -> None:
    await stream.add_stream(name="gold", subjects=["strata.>"])


async def failing(to: Endpoint, networks: str = "127.0.0.0/8", **changed: object) -> DeliveryFailed:
    async with opened("nats", to, networks) as sender:
        with pytest.raises(DeliveryFailed) as failed:
            await sender.send(message(**changed))
    assert PASSWORD not in f"{failed.value!r}{failed.value}"
    return failed.value


def test_a_message_is_stored_with_its_attributes_and_a_repetition_once(nats_server: NatsServer) -> None:
    async def scene() -> None:
        await stream_of(nats_server, added)
        async with opened("nats", endpoint("nats", nats_server.port)) as sender:
            first = await sender.send(message())
            again = await sender.send(message(attempt=2))
            envelope = message(2, content_type="application/cloudevents+json", body=b"{}")
            await sender.send(envelope)
        assert first.detail == "stream gold, sequence 1"
        assert again.detail == "stream gold, sequence 1, which had it already"
        await stream_of(nats_server, stored)

    async def stored(stream: JetStreamContext) -> None:
        assert (await stream.stream_info("gold")).state.messages == 2
        kept = await stream.get_msg("gold", 1)
        assert kept.subject == "strata.acme.gold.rows.changed.v1"
        assert kept.data == b"id\n1\n"
        assert kept.headers
        assert kept.headers["Nats-Msg-Id"] == kept.headers["ce-id"] == message().delivery_id
        assert kept.headers["ce-type"] == "gold.rows.changed.v1"
        assert kept.headers["ce-source"] == "/strata/acme"
        assert kept.headers["traceparent"] == message().traceparent
        structured = (await stream.get_msg("gold", 2)).headers or {}
        assert structured["content-type"] == "application/cloudevents+json"
        assert not [name for name in structured if name.startswith("ce-")]

    asyncio.run(scene())


def test_a_value_with_line_breaks_adds_no_header(nats_server: NatsServer) -> None:
    async def scene() -> None:
        await stream_of(nats_server, added)
        async with opened("nats", endpoint("nats", nats_server.port)) as sender:
            await sender.send(message(subject="x\r\nNats-Rollup: all", event_type="é\nx"))
        await stream_of(nats_server, stored)

    async def stored(stream: JetStreamContext) -> None:
        kept = await stream.get_msg("gold", 1)
        assert kept.headers
        assert "Nats-Rollup" not in kept.headers
        assert kept.subject == "strata.acme._x"

    asyncio.run(scene())


def test_what_no_stream_takes_is_not_sent(nats_server: NatsServer) -> None:
    async def scene() -> None:
        failed = await failing(endpoint("nats", nats_server.port))
        assert failed.failure is DeliveryFailure.UNCONFIRMED
        assert "no stream takes the subject 'strata.acme.gold.rows.changed.v1'" in failed.message

    asyncio.run(scene())


def test_who_is_not_let_in_or_may_not_publish_there_need_not_try_again(nats_server: NatsServer) -> None:
    async def scene() -> None:
        stranger = await failing(endpoint("nats", nats_server.port, password="another"))
        denied = await failing(endpoint("nats", nats_server.port, subject="forbidden.{event}", timeout=2))
        assert stranger.failure is denied.failure is DeliveryFailure.AUTHENTICATION

    asyncio.run(scene())


def test_a_message_larger_than_the_bus_takes_is_refused_before_it_is_sent(nats_server: NatsServer) -> None:
    async def scene() -> None:
        failed = await failing(endpoint("nats", nats_server.port), body=b"x" * 1_000_001)
        assert failed.failure is DeliveryFailure.TOO_LARGE

    asyncio.run(scene())


def test_a_full_stream_is_told_as_storage(nats_server: NatsServer) -> None:
    async def small(stream: JetStreamContext) -> None:
        await stream.add_stream(name="gold", subjects=["strata.>"], max_msgs=1, discard="new")

    async def scene() -> None:
        await stream_of(nats_server, small)
        to = endpoint("nats", nats_server.port)
        async with opened("nats", to) as sender:
            await sender.send(message())
        assert (await failing(to, number=2)).failure is DeliveryFailure.STORAGE

    asyncio.run(scene())


def test_a_server_killed_before_it_confirmed_gets_the_same_id_again_and_keeps_it_once(nats_server: NatsServer) -> None:
    async def scene() -> None:
        await stream_of(nats_server, added)
        async with opened("nats", endpoint("nats", nats_server.port, timeout=5)) as sender:
            sent = set()
            for number in range(1, 41):
                under_way = asyncio.create_task(sender.send(message(number)))
                if number % 10 == 0:
                    await asyncio.sleep(0)
                    await asyncio.to_thread(nats_server.kill)
                    await asyncio.to_thread(nats_server.start)
                try:
                    await under_way
                except DeliveryFailed as error:
                    assert not error.is_permanent  # noqa: PT017 - some are confirmed before the kill
                    await sender.send(message(number, attempt=2))
                sent.add(message(number).delivery_id)
        await stream_of(nats_server, lambda stream: kept(stream, sent))

    async def kept(stream: JetStreamContext, sent: set[str]) -> None:
        count = (await stream.stream_info("gold")).state.messages
        found = [(await stream.get_msg("gold", place + 1)).headers or {} for place in range(count)]
        assert sorted(item["Nats-Msg-Id"] for item in found) == sorted(sent)

    asyncio.run(scene())


def test_tls_is_checked_and_a_server_without_it_is_sent_no_credentials(nats_server: NatsServer, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    folder = tmp_path / "tls"
    folder.mkdir()
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    stranger.cert_pem.write_to_path(folder / "stranger.pem")
    server = NatsServer(folder, "--tls", "--tlscert", str(folder / "cert.pem"), "--tlskey", str(folder / "key.pem"))
    server.start()

    async def scene() -> None:
        secure = {"host": "localhost", "tls": "yes"}
        known = endpoint("nats", server.port, ca_file=str(folder / "ca.pem"), **secure)
        assert (await failing(known)).failure is DeliveryFailure.UNCONFIRMED  # it is in, and there is no stream
        foreign = endpoint("nats", server.port, ca_file=str(folder / "stranger.pem"), **secure)
        assert (await failing(foreign)).failure is DeliveryFailure.TLS
        other_name = endpoint("nats", server.port, ca_file=str(folder / "ca.pem"), host="127.0.0.1", tls="yes")
        assert (await failing(other_name)).failure is DeliveryFailure.TLS
        clear = endpoint("nats", nats_server.port, ca_file=str(folder / "ca.pem"), **secure)
        failed = await failing(clear)
        assert failed.failure is DeliveryFailure.TLS
        assert "no TLS" in failed.message
        assert "--set tls=no" in (failed.remedy or "")
        assert "STRATA_DELIVERY_ALLOWED_NETWORKS" in (failed.remedy or "")

    try:
        asyncio.run(scene())
    finally:
        server.kill()


def test_a_server_of_the_house_is_reached_only_where_that_is_allowed(nats_server: NatsServer) -> None:
    async def scene() -> None:
        to = endpoint("nats", nats_server.port)
        assert (await failing(to, networks="")).failure is DeliveryFailure.FORBIDDEN_ADDRESS

    asyncio.run(scene())


def test_nothing_there_is_a_matter_of_connecting(nats_server: NatsServer) -> None:
    nats_server.kill()
    failed = asyncio.run(failing(endpoint("nats", nats_server.port)))
    assert failed.failure is DeliveryFailure.CONNECTION
