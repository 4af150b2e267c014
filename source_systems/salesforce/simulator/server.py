"""The server: routes, sessions, allowances and faults around the resources. Run as a module by ``life.start``."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from source_systems.salesforce.simulator import describe, jobs, oauth, query, replication, switches
from source_systems.salesforce.simulator.certificates import make_certificates
from source_systems.salesforce.simulator.errors import ApiError, OAuthError, request_limit
from source_systems.salesforce.simulator.faults import after, before
from source_systems.salesforce.simulator.life import ADMIN
from source_systems.salesforce.simulator.state import STATE, Org, State

Resource = Callable[[web.Request, Org], Awaitable[web.StreamResponse]]
_DATA = r"/services/data/{version:v\d+\.\d}"
_RESOURCES: tuple[tuple[str, str, Resource], ...] = (
    ("GET", "", describe.resources),
    ("GET", "/limits", describe.limits),
    ("GET", "/sobjects", describe.all_objects),
    ("GET", "/sobjects/{sobject}/describe", describe.one_object),
    ("GET", "/sobjects/{sobject}/{feed:deleted|updated}", replication.changes),
    ("GET", "/{resource:query|queryAll}", query.first_page),
    ("GET", "/{resource:query|queryAll}/{locator}", query.next_page),
    ("POST", "/jobs/query", jobs.create),
    ("GET", "/jobs/query/{job}", jobs.look),
    ("PATCH", "/jobs/query/{job}", jobs.change),
    ("DELETE", "/jobs/query/{job}", jobs.delete),
    ("GET", "/jobs/query/{job}/results", jobs.results),
)
_LOOK_SECONDS = 2.0
# The header's three forms; clients that know one of them only fail on the others.
_LIMIT_FORMS = ("", "; api-bursts=1/750", "; per-app-api-usage=17/250000(appName=strata)")


def application(state: State, stopped: asyncio.Event) -> web.Application:
    """Build the application."""
    app = web.Application(middlewares=[_errors], client_max_size=2**20)
    app[STATE] = state
    app.router.add_post("/services/oauth2/token", _token)
    app.router.add_get("/services/data", describe.versions)
    for method, path, resource in _RESOURCES:
        for slash in ("", "/"):
            app.router.add_route(method, _DATA + path + slash, _served(resource))
    switches.add_routes(app, ADMIN, stopped)
    return app


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ApiError, OAuthError) as error:
        return error.response()


async def _token(request: web.Request) -> web.StreamResponse:
    return await oauth.token(request)


def _served(resource: Resource) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wrap a resource: session first, then the allowance, then whatever fault is switched on."""

    async def serve(request: web.Request) -> web.StreamResponse:
        org = request.app[STATE].org_of_session(request)
        if org.used >= org.switches.daily_requests:
            raise request_limit()
        org.used += 1
        response = await _with_faults(request, org, resource)
        if not response.prepared:
            usage = f"api-usage={org.used}/{org.switches.daily_requests}"
            response.headers["Sforce-Limit-Info"] = usage + _LIMIT_FORMS[org.used % len(_LIMIT_FORMS)]
        return response

    return serve


async def _with_faults(request: web.Request, org: Org, resource: Resource) -> web.StreamResponse:
    fault = next((fault for fault in org.faults if fault.meets(request)), None)
    if fault is None:
        return await resource(request, org)
    fault.times -= 1
    if fault.kind == "session_expired":
        request.app[STATE].end_sessions(org)
    instead = await before(fault, request)
    return instead or await after(fault, request, await resource(request, org))


async def _run(folder: Path) -> None:
    """Serve until told to stop or the folder is removed; the address goes to standard output once the port is open."""
    ca_file, context = make_certificates(folder)
    state, stopped = State(folder, secrets.token_urlsafe(32)), asyncio.Event()
    runner = web.AppRunner(application(state, stopped), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    state.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sys.stdout.write(json.dumps({"url": state.url, "ca_file": str(ca_file), "secret": state.secret}) + "\n")
    sys.stdout.close()
    while not stopped.is_set() and await asyncio.to_thread(folder.exists):  # nobody finds it any more without
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _LOOK_SECONDS)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
