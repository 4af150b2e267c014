"""Networks and servers that fail: each fault is told for what it is, in bounded time and memory, without secrets."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import socket
import ssl
import struct
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from orchestration.delivery.channels.webhook.answers import LONGEST_ANSWER
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .webhook_scenes import MESSAGE, deliver, numbered, receiving, refused, sending

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(conversation: Conversation) -> AsyncIterator[str]:
    """Serve something that need not be HTTP."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            await conversation(reader, writer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off with RST instead of FIN."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def failure_with(conversation: Conversation, timeout_seconds: float = 5) -> DeliveryFailed:
    async def run() -> None:
        async with serving(conversation) as url, sending(url, timeout_seconds=timeout_seconds) as way:
            await way.send(MESSAGE)

    with pytest.raises(DeliveryFailed) as caught:
        asyncio.run(run())
    return caught.value


EVERYWHERE = range(350) if os.environ.get("STRATA_NIGHTLY") == "1" else (0, 1, 40, 300)


@pytest.mark.parametrize("after", EVERYWHERE)
def test_a_connection_that_is_reset_while_the_request_is_sent_is_a_failed_attempt(after: int) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readexactly(after)
        reset(writer)

    assert failure_with(conversation).failure is DeliveryFailure.CONNECTION


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_connection_that_ends_before_the_status_is_whole_is_a_failed_attempt(said: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(said)
        await writer.drain()

    assert failure_with(conversation).failure is DeliveryFailure.CONNECTION


@pytest.mark.parametrize("said", [b"220 mail.example.com ESMTP\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000])
def test_a_server_that_speaks_something_else_is_told_so(said: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(1)

    failed = failure_with(conversation)
    assert failed.failure is DeliveryFailure.CONNECTION
    assert failed.status_code is None


def test_headers_without_end_are_a_failed_attempt() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    failed = failure_with(conversation, timeout_seconds=3)
    assert failed.failure in {DeliveryFailure.CONNECTION, DeliveryFailure.TIMEOUT}


@pytest.mark.parametrize("pause", [0.2, 60])
def test_a_tarpit_holds_an_attempt_no_longer_than_its_timeout(pause: float) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            writer.write(bytes([byte]))
            await asyncio.sleep(pause)

    begin = time.monotonic()
    failed = failure_with(conversation, timeout_seconds=0.8)
    assert failed.failure is DeliveryFailure.TIMEOUT
    assert "within 0.8 s" in failed.message
    assert time.monotonic() - begin < 3


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    async def run() -> None:
        async with sending(f"http://127.0.0.1:{port}/") as way:
            await way.send(MESSAGE)

    with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.1 cannot be connected to") as caught:
        asyncio.run(run())
    assert caught.value.failure is DeliveryFailure.CONNECTION


def test_what_was_accepted_stays_accepted_when_the_rest_of_the_answer_never_comes() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
        await asyncio.sleep(60)

    async def run() -> tuple[str, float]:
        async with serving(conversation) as url, sending(url, timeout_seconds=20) as way:
            begin = time.monotonic()
            receipt = await way.send(MESSAGE)
            return receipt.answer, time.monotonic() - begin

    answer, seconds = asyncio.run(run())
    assert answer == "begun"
    assert seconds < 10


def test_an_endless_answer_is_cut_and_takes_no_memory() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 100_000)
        return response

    tracemalloc.start()
    receipt, _ = deliver(endless)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert receipt.answer == "x" * LONGEST_ANSWER
    assert peak < 20_000_000


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 100_000_000)

    async def explode(_: web.Request) -> web.Response:
        return web.Response(status=500, body=bomb, headers={"Content-Encoding": "gzip"})

    assert refused(explode).answer == "(a compressed answer, not unpacked)"


def test_secrets_that_a_receiver_echoes_are_masked_and_what_breaks_databases_is_replaced() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=401, text=f"a\0b {request.headers['Authorization']} {request.path} api_key=canary-3")

    failed = refused(echo, authorization="Key canary-1", token="canary-2")
    assert failed.answer == "a�b *** /hook api_key=***"
    assert "canary" not in repr(vars(failed))


@pytest.mark.parametrize("status", [200, 500])
def test_no_failure_no_representation_and_no_log_tells_a_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def run() -> str:
        told = []
        async with receiving(status) as receiver:
            for url in (
                f"{receiver.url}/{{token}}?sig={{token}}",
                "http://127.0.0.1:1/{token}",
                "https://10.0.0.1/{token}",
            ):
                async with sending(
                    url, authorization="canary-1", token="canary-2", key="whsec_" + "canary33" * 4
                ) as way:
                    told.append(repr(way) + repr(vars(way)))
                    with suppress(DeliveryFailed):
                        await way.send(MESSAGE)
                    try:
                        told.append(repr(await way.send(MESSAGE)))
                    except DeliveryFailed as failed:
                        told.append(repr(failed) + repr(vars(failed)) + repr(failed.__cause__))
            assert receiver.arrivals
        return "".join(told)

    told = asyncio.run(run(), debug=True)
    assert "canary" not in told + caplog.text


def test_a_stuck_endpoint_does_not_slow_another() -> None:
    async def stuck(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def run() -> float:
        async with (
            serving(stuck) as url,
            receiving() as receiver,
            sending(url, timeout_seconds=3) as slow,
            sending(receiver.url) as quick,
        ):
            held = [asyncio.create_task(slow.send(numbered(number))) for number in range(200)]
            await asyncio.sleep(0)
            begin = time.monotonic()
            await asyncio.gather(*(quick.send(numbered(number)) for number in range(50)))
            seconds = time.monotonic() - begin
            for task in held:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)
            return seconds

    assert asyncio.run(run()) < 2


class Authorities:
    """Certificates that should be refused, and one that should not."""

    def __init__(self, folder: Path) -> None:
        self.known, self.foreign = trustme.CA(), trustme.CA()
        self.file = folder / "ca.pem"
        self.known.cert_pem.write_to_path(str(self.file))

    def context(self, kind: str) -> ssl.SSLContext:
        past = datetime.now(UTC) - timedelta(days=1)
        certificate = {
            "good": lambda: self.known.issue_cert("localhost"),
            "expired": lambda: self.known.issue_cert("localhost", not_after=past),
            "of another host": lambda: self.known.issue_cert("other.example.com"),
            "self-signed": lambda: self.foreign.issue_cert("localhost"),
        }[kind]()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def over_tls(context: ssl.SSLContext, ca_file: str) -> int:
    async def run() -> int:
        async with receiving(tls=context) as receiver, sending(receiver.url, ca_file=ca_file) as way:
            await way.send(MESSAGE)
            return len(receiver.arrivals)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "told"),
    [("expired", "expired"), ("of another host", "mismatch"), ("self-signed", "unable to get local issuer")],
)
def test_a_certificate_that_proves_nothing_is_refused(kind: str, told: str, tmp_path: Path) -> None:
    authorities = Authorities(tmp_path)
    with pytest.raises(DeliveryFailed) as caught:
        over_tls(authorities.context(kind), str(authorities.file))
    assert caught.value.failure is DeliveryFailure.TLS
    assert told in caught.value.message.lower()


def test_a_certificate_of_the_named_authority_is_accepted_and_of_a_renewed_file_too(tmp_path: Path) -> None:
    first = Authorities(tmp_path)
    assert over_tls(first.context("good"), str(first.file)) == 1
    second = Authorities(tmp_path)
    assert over_tls(second.context("good"), str(second.file)) == 1


def test_without_its_authority_a_private_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        over_tls(Authorities(tmp_path).context("good"), "")
    assert caught.value.failure is DeliveryFailure.TLS


def test_a_server_without_tls_is_told_so() -> None:
    async def run() -> None:
        async with receiving() as receiver, sending(receiver.url.replace("http:", "https:")) as way:
            await way.send(MESSAGE)

    with pytest.raises(DeliveryFailed, match="no TLS") as caught:
        asyncio.run(run())
    assert caught.value.failure is DeliveryFailure.TLS


def test_a_file_of_authorities_that_is_not_there_is_a_setting_to_mend() -> None:
    with pytest.raises(DeliveryFailed, match=r"ca_file /nowhere\.pem cannot be read") as caught:
        over_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "/nowhere.pem")
    assert caught.value.failure is DeliveryFailure.SETTINGS
