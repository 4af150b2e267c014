"""Where deliveries may go to: not inside, in whatever spelling and by whatever name, unless it is allowed."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .webhook_scenes import LOOPBACK, MESSAGE, receiving, sending

NOBODY = AddressGuard()
INTERNAL = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.31.196.1
192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1::1 2002:a9fe:a9fe::1 2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1
fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 128.0.0.1 172.15.0.1 172.32.0.1 223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111
"""
THIS_MACHINE = """
127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 0x7f000001 017700000001 127.0.0.1. localhost 0 0x0 [::1]
[::ffff:127.0.0.1] [::]
"""
FULL_WIDTH = "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}\N{FULLWIDTH DIGIT SEVEN}.0.0.1"


@pytest.mark.parametrize("address", INTERNAL.split())
def test_an_address_inside_is_refused(address: str) -> None:
    assert not NOBODY.permits(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_permitted_if_the_way_is_encrypted(address: str) -> None:
    assert NOBODY.permits(address)
    assert not NOBODY.permits(address, encrypted=False)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_its_ipv6_form(address: IPv4Address) -> None:
    assert NOBODY.permits(f"::ffff:{address}") == NOBODY.permits(str(address))


@given(st.ip_addresses())
def test_what_python_takes_for_private_is_never_permitted(address: IPv4Address | IPv6Address) -> None:
    # 192.0.0.9, 192.0.0.10 and some of 2001::/23 are exceptions of Python's; here they are refused too.
    assert address.is_global or not NOBODY.permits(str(address))


def test_an_allowed_network_is_permitted_also_unencrypted_and_nothing_beside_it() -> None:
    guard = AddressGuard((ip_network("10.20.0.0/16"),))
    assert guard.permits("10.20.3.4", encrypted=False)
    assert guard.permits("::ffff:10.20.3.4")
    assert not guard.permits("10.21.0.1")


def failure_of(url: str, guard: AddressGuard = NOBODY, resolver: Any = None) -> DeliveryFailed:
    async def run() -> None:
        async with sending(url, guard, resolver, timeout_seconds=3) as way:
            await way.send(MESSAGE)

    with pytest.raises(DeliveryFailed) as caught:
        asyncio.run(run())
    return caught.value


@pytest.mark.parametrize("host", [*THIS_MACHINE.split(), FULL_WIDTH])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_this_machine_is_connected_to(host: str, scheme: str) -> None:
    async def run() -> int:
        connections = 0

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            writer.close()

        server = await asyncio.start_server(connected, ["127.0.0.1", "::1"], 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(DeliveryFailed) as caught:
                async with sending(f"{scheme}://{host}:{port}/", NOBODY, timeout_seconds=3) as way:
                    await way.send(MESSAGE)
        assert caught.value.failure in {DeliveryFailure.FORBIDDEN_ADDRESS, DeliveryFailure.SETTINGS}
        assert caught.value.is_permanent
        return connections

    assert asyncio.run(run()) == 0


class Names(AbstractResolver):
    """Answers each question about a name with the next of its answers."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, _family: Any = None) -> list[ResolveResult]:
        answer = self.answers.pop(0)
        if not answer:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family_of(address), proto=0, flags=0)
            for address in answer
        ]

    async def close(self) -> None:
        pass


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def test_a_name_that_leads_inside_is_refused_and_the_error_does_not_say_where_it_led() -> None:
    failed = failure_of("https://internal.example.com/", resolver=Names(["10.1.2.3", "fd00::1"]))
    assert failed.failure is DeliveryFailure.FORBIDDEN_ADDRESS
    assert "internal.example.com" in failed.message
    assert "10.1.2.3" not in str(failed)


def test_a_name_that_is_not_known_is_tried_again() -> None:
    failed = failure_of("https://nowhere.example.com/", resolver=Names([]))
    assert failed.failure is DeliveryFailure.DNS
    assert not failed.is_permanent


def test_a_name_that_leads_inside_the_next_time_is_refused_then() -> None:
    async def run() -> int:
        async with receiving(503) as receiver:
            port = receiver.url.split(":")[2].split("/")[0]
            names = Names(["127.0.0.1"], ["127.9.9.9"])
            guard = AddressGuard((ip_network("127.0.0.1/32"),))
            for expected in (DeliveryFailure.SERVER_ERROR, DeliveryFailure.FORBIDDEN_ADDRESS):
                async with sending(f"http://rebinding.example.com:{port}/", guard, names) as way:
                    with pytest.raises(DeliveryFailed) as caught:
                        await way.send(MESSAGE)
                assert caught.value.failure is expected
            return len(receiver.arrivals)

    assert asyncio.run(run()) == 1


def test_of_a_names_addresses_only_the_permitted_ones_are_connected_to() -> None:
    async def run() -> int:
        async with receiving() as receiver:
            port = receiver.url.split(":")[2].split("/")[0]
            names = Names(["10.255.255.1", "fd00::1", "127.0.0.1"])
            async with sending(f"http://mixed.example.com:{port}/", LOOPBACK, names) as way:
                await way.send(MESSAGE)
            return len(receiver.arrivals)

    assert asyncio.run(run()) == 1


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        async with receiving(502) as proxy, receiving() as receiver:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            async with sending(receiver.url) as way:
                await way.send(MESSAGE)
            return len(receiver.arrivals) - len(proxy.arrivals)

    assert asyncio.run(run()) == 1
