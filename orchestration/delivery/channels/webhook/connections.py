"""Opens connections for webhooks: TLS that is checked, and addresses that are judged as they are connected to."""

from __future__ import annotations

import functools
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.network import tls_context

_CONNECT_SECONDS = 10.0
# Servers close idle connections after five seconds (Node, uvicorn) or later; a POST into one that is
# just being closed would be an attempt lost.
_IDLE_SECONDS = 4.0


class GuardedResolver(AbstractResolver):
    """Resolves names to the addresses that may be connected to."""

    def __init__(self, guard: AddressGuard, resolver: AbstractResolver, *, encrypted: bool) -> None:
        """Judge the answers of ``resolver``."""
        self._guard, self._resolver, self._encrypted = guard, resolver, encrypted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name.

        Raises:
            ForbiddenAddress: it has no permitted address.
            OSError: it has none at all.
        """
        found = await self._resolver.resolve(host, port, family)
        permitted = self._guard.require([item["host"] for item in found], host, encrypted=self._encrypted)
        return [item for item in found if item["host"] in permitted]

    async def close(self) -> None:
        """Close the resolver underneath."""
        await self._resolver.close()


def open_session(
    guard: AddressGuard,
    ca_file: str,
    timeout_seconds: float,
    *,
    headers: Mapping[str, str],
    encrypted: bool,
    resolver: AbstractResolver | None,
) -> aiohttp.ClientSession:
    """Return a session for one endpoint, whose messages all carry ``headers``.

    It ignores the environment's proxies, for they would connect in our place.

    Raises:
        DeliveryFailed: ``ca_file`` cannot be read.
    """

    def guarded_socket(info: Any) -> socket.socket:  # noqa: ANN401 - aiohttp's own tuple
        # Literal addresses, in whatever spelling, are never resolved: they are judged here.
        family, kind, protocol, _, address = info
        guard.require([address[0]], address[0], encrypted=encrypted)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(guard, resolver or aiohttp.ThreadedResolver(), encrypted=encrypted),
        socket_factory=guarded_socket,
        ssl=_tls(ca_file, _changed_at(ca_file)) if encrypted else False,
        # How many go to one endpoint at once is the worker's decision.
        limit=0,
        keepalive_timeout=_IDLE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        # The limit of a whole request is the sender's, which has one timer for all of them.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(timeout_seconds, _CONNECT_SECONDS)),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


@functools.lru_cache(maxsize=32)
def _tls(ca_file: str, _changed_at: int) -> ssl.SSLContext:
    """Return a context that all sessions share: loading the certificates of the system takes 20 ms each time."""
    return tls_context(ca_file)


def _changed_at(ca_file: str) -> int:
    """Return when a file was changed, so that a renewed one is read anew; 0 when there is none."""
    try:
        return Path(ca_file).stat().st_mtime_ns if ca_file else 0
    except OSError:
        return 0
