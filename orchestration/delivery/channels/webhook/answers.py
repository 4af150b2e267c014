"""What an endpoint's answer means: received, try again, or never again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp

from orchestration.delivery.channels.channel import Receipt
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.redaction import redact

LONGEST_ANSWER = 20_000
"""Bytes of an answer that are read and kept; more says nothing, and may be a bomb."""
_ANSWER_SECONDS = 2.0
# Plain numbers: an enumeration's members are looked up in its class, each time.
_OK, _REDIRECT = HTTPStatus.OK.value, HTTPStatus.MULTIPLE_CHOICES.value

_FAILURES: dict[int, DeliveryFailure] = {
    HTTPStatus.GONE: DeliveryFailure.GONE,
    HTTPStatus.TOO_MANY_REQUESTS: DeliveryFailure.THROTTLED,
    HTTPStatus.REQUEST_TIMEOUT: DeliveryFailure.TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: DeliveryFailure.TOO_LARGE,
}
_REMEDIES = {
    DeliveryFailure.GONE: "The endpoint wants nothing more; change its address, or remove the registration.",
    DeliveryFailure.TOO_LARGE: "Let the receiver take larger bodies, or send the payload `reference`.",
    DeliveryFailure.REDIRECT: "Redirects are not followed: register the address that it leads to.",
}
_UNKNOWN_KEY = (
    "A check of signatures needs this registration's key; to bring one of yours: --secret signing_key=env:NAME."
)
_QUOTED = 200


async def judge(response: aiohttp.ClientResponse, host: str, secrets: Sequence[str]) -> Receipt:
    """Return the receipt of an accepted message; ``secrets`` are masked in what came back, for some receivers echo.

    Raises:
        DeliveryFailed: the status is none of 2xx; says what to make of it.
    """
    status = response.status
    answer = "" if response.content.at_eof() else _masked(await _beginning(response), secrets)
    if _OK <= status < _REDIRECT:
        return Receipt(status_code=status, answer=answer)
    failure = _failure(status)
    raise DeliveryFailed(
        failure,
        f"{host} answered with {status}{_quoted(answer)}.",
        _UNKNOWN_KEY if status == HTTPStatus.UNAUTHORIZED else _REMEDIES.get(failure, ""),
        status_code=status,
        retry_after=retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC)),
        answer=answer,
    )


def retry_after(value: str, now: datetime) -> float | None:
    """Read ``Retry-After``, seconds or a date, as seconds from now; ``None`` when it says nothing."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _failure(status: int) -> DeliveryFailure:
    if status < HTTPStatus.BAD_REQUEST:
        return DeliveryFailure.REDIRECT
    by_default = (
        DeliveryFailure.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else DeliveryFailure.CLIENT_ERROR
    )
    return _FAILURES.get(status, by_default)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """Return the beginning of an answer; one that trickles or breaks off ends where it is.

    The status has been received: what becomes of the rest changes nothing.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return "(a compressed answer, not unpacked)"
    parts: list[bytes] = []
    left = LONGEST_ANSWER
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            while left > 0 and (part := await response.content.read(left)):
                parts.append(part)
                left -= len(part)
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    # PostgreSQL's texts hold no NUL.
    return b"".join(parts).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _quoted(answer: str) -> str:
    """Return the beginning of an answer as the end of a sentence."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in answer).split())
    return f": {line[:_QUOTED].rstrip('.')}" if line else ""


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return redact(text)
