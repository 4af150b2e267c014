"""The endpoint itself: takes POSTs at any path until it is stopped."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from orchestration.delivery.receiver.inbox import Arrival, Inbox, Verdict
from orchestration.delivery.receiver.rehearsal import Rehearsal
from orchestration.failures import SettingsError

LARGEST_BODY = 64_000_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Show = Callable[[Arrival, int], None]
"""Called for every message with the status that it is answered with."""


@asynccontextmanager
async def receiving(inbox: Inbox, rehearsal: Rehearsal, show: Show, host: str, port: int) -> AsyncIterator[str]:
    """Serve; the value is the endpoint's address. Port 0 takes a free one.

    Raises:
        SettingsError: the port is taken, or not this user's to take.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_post("/{path:.*}", _handler(inbox, rehearsal, show))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            message = f"{host}:{port} cannot be listened on: {error.strerror}."
            raise SettingsError(message, "Choose another --port; 0 takes a free one.") from None
        yield f"http://{host}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def _handler(inbox: Inbox, rehearsal: Rehearsal, show: Show) -> Handler:
    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        await rehearsal.wait()
        # Nothing is awaited from here on: of two equal messages at once, one is a repetition.
        arrival = inbox.judge(headers, body, time.time())
        status = rehearsal.answer(arrival)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            inbox.take(arrival)
        show(arrival, status)
        return web.Response(status=status, text=arrival.reason if arrival.verdict is Verdict.REFUSED else None)

    return receive
