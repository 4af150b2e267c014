"""Switches that make the server fail as the real one does: refusals, silence, and replies that are not whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from source_systems.salesforce.simulator.errors import ApiError, request_limit, session_expired

_REFUSALS = {
    "session_expired": session_expired(),
    "request_limit": request_limit(),
    "too_many_requests": ApiError(429, "REQUEST_LIMIT_EXCEEDED", "Too many concurrent requests."),
    "no_access": ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"),
    "api_disabled": ApiError(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
    "unavailable": ApiError(503, "SERVER_UNAVAILABLE", "Server is unavailable."),
    "query_timeout": ApiError(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "row_locked": ApiError(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "locator_expired": ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
}
KINDS = (*_REFUSALS, "error_500", "slow", "disconnect", "truncated", "cut_off", "malformed", "lost_row", "no_header")


@dataclass
class Fault:
    """One switch: the next ``times`` requests whose path holds ``path`` (and whose query holds ``query``) fail."""

    kind: str
    times: int = 1
    path: str = ""
    query: str = ""
    seconds: float = 0.0

    def meets(self, request: web.Request) -> bool:
        """Say whether the switch is on for a request."""
        return self.times > 0 and self.path in request.path and self.query in request.query_string


async def before(fault: Fault, request: web.Request) -> web.Response | None:
    """Do what a fault does instead of, or ahead of, the real answer."""
    if fault.kind in _REFUSALS:
        raise _REFUSALS[fault.kind]
    if fault.kind == "error_500":
        return web.Response(status=500, text="<html>An unexpected error occurred</html>", content_type="text/html")
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "disconnect" and request.transport is not None:
        request.transport.abort()
        raise ConnectionResetError
    return None


async def after(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Spoil an answer that would have been right."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    body = response.body
    if fault.kind == "truncated":
        return await _broken_off(request, response, body)
    if fault.kind == "cut_off":
        response.body = body[: len(body) // 2]
    if fault.kind == "malformed":
        response.body = body.replace(b'":', b'"=', 1)
    if fault.kind == "lost_row":
        response.body = body[: body[:-1].rindex(b"\n") + 1]
    if fault.kind == "no_header":
        response.body = body.partition(b"\n")[2]
    return response


async def _broken_off(request: web.Request, response: web.Response, body: bytes) -> web.StreamResponse:
    """Announce the whole length, send half of it and hang up."""
    broken = web.StreamResponse(status=response.status, headers=response.headers)
    broken.content_length = len(body)
    await broken.prepare(request)
    await broken.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return broken
