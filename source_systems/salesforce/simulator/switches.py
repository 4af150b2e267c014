"""The simulator's own resources: is it alive, stop, and what tests and the curious may switch in an org.

They want the server's secret and have no counterpart in Salesforce. From Python use
the functions here with the address that ``start`` returned.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict

from aiohttp import web

from source_systems.salesforce.simulator.faults import KINDS, Fault
from source_systems.salesforce.simulator.life import admin
from source_systems.salesforce.simulator.schema import Field
from source_systems.salesforce.simulator.state import STATE, Org

Address = Mapping[str, str]


def inject(address: Address, place: str, fault: Fault) -> None:
    """Let the next fitting requests to an org fail."""
    admin(address, "POST", f"{place}/faults", asdict(fault))


def heal(address: Address, place: str) -> None:
    """Take all faults back."""
    admin(address, "POST", f"{place}/heal")


def turn(address: Address, place: str, **switches: float) -> None:
    """Set switches of ``state.Switches``."""
    admin(address, "POST", f"{place}/switches", switches)


def trust(address: Address, place: str, username: str, public_key: str) -> None:
    """Upload the certificate of a user for the JWT bearer flow, as PEM of the public key."""
    admin(address, "POST", f"{place}/trust", {"username": username, "key": public_key})


def add_field(address: Address, place: str, sobject: str, field: Field) -> None:
    """Give an object a further field, or an existing one another type."""
    admin(address, "POST", f"{place}/objects/{sobject}", {"add": asdict(field)})


def remove_field(address: Address, place: str, sobject: str, name: str) -> None:
    """Take a field from an object."""
    admin(address, "POST", f"{place}/objects/{sobject}", {"remove": name})


def requests_used(address: Address, place: str) -> int:
    """Return how many requests an org has answered."""
    return int(admin(address, "GET", f"{place}/used"))


def add_routes(app: web.Application, prefix: str, stopped: asyncio.Event) -> None:
    """Add the resources below a path."""

    async def alive(request: web.Request) -> object:  # noqa: ARG001
        return True

    async def stop(request: web.Request) -> object:  # noqa: ARG001
        asyncio.get_running_loop().call_later(0.01, stopped.set)
        return True

    for method, path, handler in (
        ("GET", "alive", alive),
        ("POST", "stop", stop),
        ("POST", "{place}/faults", _inject),
        ("POST", "{place}/heal", _heal),
        ("POST", "{place}/switches", _turn),
        ("POST", "{place}/trust", _trust),
        ("POST", "{place}/objects/{sobject}", _change_object),
        ("GET", "{place}/used", _used),
        ("POST", "{place}/forget", _forget),
    ):
        app.router.add_route(method, f"{prefix}/{path}", _guarded(handler))


def _guarded(handler: Callable[[web.Request], Awaitable[object]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given, request.app[STATE].secret):
            raise web.HTTPForbidden
        return web.json_response(await handler(request))

    return answer


def _org(request: web.Request) -> Org:
    return request.app[STATE].org(request.match_info["place"])


async def _inject(request: web.Request) -> object:
    fault = Fault(**await request.json())
    if fault.kind not in KINDS:
        raise web.HTTPBadRequest(text=f"kinds are {', '.join(KINDS)}")
    _org(request).faults.append(fault)
    return True


async def _heal(request: web.Request) -> object:
    _org(request).faults.clear()
    return True


async def _turn(request: web.Request) -> object:
    for name, value in (await request.json()).items():
        setattr(_org(request).switches, name, value)
    return True


async def _trust(request: web.Request) -> object:
    body = await request.json()
    _org(request).trusted[body["username"]] = body["key"]
    return True


async def _change_object(request: web.Request) -> object:
    body = await request.json()
    with _org(request).records() as records:
        found = records.objects[request.match_info["sobject"]]
        if "add" in body:
            found = found.with_field(Field(**body["add"]))
        if "remove" in body:
            found = found.without(body["remove"])
        with records.transaction():
            records.change_object(found)
    return True


async def _used(request: web.Request) -> object:
    return _org(request).used


async def _forget(request: web.Request) -> object:
    request.app[STATE].forget(request.match_info["place"])
    return True
