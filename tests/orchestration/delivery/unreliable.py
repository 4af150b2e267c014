"""A receiver that is late, fails, resets connections, and drops them after it has taken a message."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass
class UnreliableReceiver:
    """Runs in a thread of its own; ``taken`` holds the bodies that arrived whole, by id."""

    url: str = ""
    is_reliable: bool = False
    taken: dict[str, list[dict[str, object]]] = field(default_factory=lambda: defaultdict(list))
    answered: int = 0

    def __enter__(self) -> Self:
        self._random = random.Random()  # noqa: S311 - chance for a test
        self._loop, ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self, ready: threading.Event) -> None:
        async def start() -> None:
            app = web.Application()
            app.router.add_post("/{path:.*}", self._take)
            self._runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
            ready.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())

    async def _take(self, request: web.Request) -> web.Response:
        behaviour = 0.0 if self.is_reliable else self._random.random()
        if behaviour > 0.93:
            return self._cut(request)  # before anything was read
        body = await request.read()
        self.taken[request.headers["webhook-id"]].append(json.loads(body))
        if behaviour > 0.86:
            return self._cut(request)  # taken, and never said so
        if behaviour > 0.78:
            await asyncio.sleep(0.4)
        self.answered += 1
        return web.Response(status=500 if 0.65 < behaviour < 0.78 else 204)

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        if request.transport:
            request.transport.abort()
        return web.Response(status=500)
