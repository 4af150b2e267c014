"""RabbitMQ: a message is sent when the broker confirmed that a queue keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .bus_scenes import endpoint, message, opened
from .bus_servers import PASSWORD, USER, RabbitServer

pytestmark = pytest.mark.server("rabbitmq")
_numbers = count(1)


@pytest.fixture
def queue(rabbit: RabbitServer) -> str:
    name = f"usage-{next(_numbers)}"
    asyncio.run(asked(rabbit, lambda channel: channel.declare_queue(name, durable=True)))
    return name


async def asked(server: RabbitServer, work: Callable[[AbstractChannel], Awaitable[object]]) -> None:
    url = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{server.port}/"
    async with await aio_pika.connect(url, timeout=20) as connection, connection.channel() as channel:
        await work(channel)


def kept(server: RabbitServer, name: str) -> list[AbstractIncomingMessage]:
    found: list[AbstractIncomingMessage] = []

    async def take(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(name)
        while item := await queue.get(no_ack=True, fail=False):
            found.append(item)

    asyncio.run(asked(server, take))
    return found


def failure(to: Endpoint, networks: str = "127.0.0.0/8") -> DeliveryFailed:
    async def sending() -> None:
        async with opened("rabbitmq", to, networks) as sender:
            await sender.send(message())

    with pytest.raises(DeliveryFailed) as failed:
        asyncio.run(sending())
    assert PASSWORD not in f"{failed.value!r}{failed.value}"
    return failed.value


def test_a_message_is_kept_with_its_attributes(rabbit: RabbitServer, queue: str) -> None:
    async def sending() -> None:
        async with opened("rabbitmq", endpoint("rabbitmq", rabbit.port, routing_key=queue)) as sender:
            await asyncio.gather(*(sender.send(message(number)) for number in range(1, 21)))

    asyncio.run(sending())
    found = kept(rabbit, queue)
    assert sorted(item.body for item in found) == sorted(message(number).body for number in range(1, 21))
    (first,) = [item for item in found if item.body == message().body]
    assert (first.message_id, first.content_type) == (message().delivery_id, "text/csv")
    assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert first.headers["cloudEvents:id"] == message().delivery_id
    assert first.headers["cloudEvents:type"] == "gold.rows.changed.v1"
    assert first.headers["traceparent"] == message().traceparent


def test_a_message_that_no_queue_takes_is_not_sent(rabbit: RabbitServer) -> None:
    failed = failure(endpoint("rabbitmq", rabbit.port, routing_key="nobody"))
    assert failed.failure is DeliveryFailure.UNCONFIRMED
    assert "no queue takes routing key 'nobody'" in failed.message


def test_an_exchange_routes_by_the_template(rabbit: RabbitServer, queue: str) -> None:
    async def bind(channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("gold", aio_pika.ExchangeType.TOPIC)
        await (await channel.get_queue(queue)).bind(exchange, "acme.gold.*")

    async def sending() -> None:
        to = endpoint("rabbitmq", rabbit.port, exchange="gold", routing_key="{tenant}.{subject}")
        async with opened("rabbitmq", to) as sender:
            await sender.send(message())

    asyncio.run(asked(rabbit, bind))
    asyncio.run(sending())
    assert [item.routing_key for item in kept(rabbit, queue)] == ["acme.gold.license_usage"]


def test_what_is_not_there_and_who_is_not_let_in(rabbit: RabbitServer, queue: str) -> None:
    def kind(**changed: str) -> DeliveryFailure:
        return failure(endpoint("rabbitmq", rabbit.port, routing_key=queue, **changed)).failure

    assert kind(exchange="absent") is DeliveryFailure.UNCONFIRMED
    assert kind(virtual_host="absent") is DeliveryFailure.UNCONFIRMED
    assert kind(password="another") is DeliveryFailure.AUTHENTICATION
    in_clear = failure(endpoint("rabbitmq", rabbit.port, tls="yes"))
    assert in_clear.failure is DeliveryFailure.TLS
    assert "--set tls=no" in (in_clear.remedy or "")
    assert failure(endpoint("rabbitmq", 1)).failure is DeliveryFailure.CONNECTION
    forbidden = failure(endpoint("rabbitmq", rabbit.port), networks="")
    assert forbidden.failure is DeliveryFailure.FORBIDDEN_ADDRESS


def test_a_full_queue_refuses(rabbit: RabbitServer) -> None:
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}

    async def scene() -> None:
        await asked(rabbit, lambda channel: channel.declare_queue("small", durable=True, arguments=arguments))
        async with opened("rabbitmq", endpoint("rabbitmq", rabbit.port, routing_key="small")) as sender:
            await sender.send(message())
            with pytest.raises(DeliveryFailed) as failed:
                await sender.send(message(2))
        assert failed.value.failure is DeliveryFailure.UNCONFIRMED
        assert "may be full" in failed.value.message

    asyncio.run(scene())


def test_a_broker_killed_before_it_confirmed_gets_the_same_id_again(rabbit: RabbitServer, queue: str) -> None:
    async def scene() -> set[str]:
        sent = set()
        async with opened("rabbitmq", endpoint("rabbitmq", rabbit.port, routing_key=queue, timeout=3)) as sender:
            await sender.send(message())
            sent.add(message().delivery_id)
            # Stopped first, so that messages are on their way when it dies.
            await asyncio.to_thread(rabbit.pause)
            under_way = [asyncio.create_task(sender.send(message(number))) for number in range(2, 7)]
            await asyncio.sleep(0.3)
            await asyncio.to_thread(rabbit.kill)
            lost = await asyncio.gather(*under_way, return_exceptions=True)
            assert {item.failure for item in lost if isinstance(item, DeliveryFailed)} == {DeliveryFailure.UNCONFIRMED}
            await asyncio.to_thread(rabbit.start)
            for number in range(2, 7):
                await sender.send(message(number, attempt=2))
                sent.add(message(number).delivery_id)
        return sent

    sent = asyncio.run(scene())
    assert {item.message_id for item in kept(rabbit, queue)} == sent
