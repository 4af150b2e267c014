"""Judges messages as a receiver should: is it from whom it says, and was it here before?"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from orchestration.decoding import decodable
from orchestration.delivery.signatures import SignatureRefused, verify
from orchestration.failures import SettingsError

_REMEMBERED = 100_000
"""Ids kept in memory; a receiver of its own keeps them in its database, at least as long as the sender retries."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Verdict(StrEnum):
    """What is made of a message. ``unverified``: there is no key yet to check it with."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    UNVERIFIED = "unverified"
    REFUSED = "refused"


@dataclass(frozen=True)
class Arrival:
    """One message; ``type`` and ``subject`` are from its envelope, or its headers when the body is a file."""

    message_id: str
    verdict: Verdict
    reason: str
    type: str
    subject: str
    content_type: str
    body: bytes
    received_at: datetime


class Inbox:
    """Remembers which messages were taken in."""

    def __init__(self, keys: Callable[[], Sequence[str]]) -> None:
        """Ask ``keys`` at each message for those that signatures are checked with; one of them has to fit."""
        self._keys = keys
        self._taken: OrderedDict[str, None] = OrderedDict()

    def judge(self, headers: Mapping[str, str], body: bytes, now: float) -> Arrival:
        """Judge a message; ``headers`` by lower-case names, ``now`` in seconds."""
        message_id = headers.get("webhook-id", "")
        verdict, reason = self._verdict(message_id, headers, body, now)
        kind, subject = _about(headers, body)
        return Arrival(
            message_id=message_id,
            verdict=verdict,
            reason=reason,
            type=kind,
            subject=subject,
            content_type=headers.get("content-type", ""),
            body=body,
            received_at=datetime.fromtimestamp(now, UTC),
        )

    def take(self, arrival: Arrival) -> None:
        """Remember a message that was answered with success: only then will it not be sent again."""
        self._taken[arrival.message_id] = None
        self._taken.move_to_end(arrival.message_id)
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)

    def _verdict(self, message_id: str, headers: Mapping[str, str], body: bytes, now: float) -> tuple[Verdict, str]:
        if not _ID.fullmatch(message_id):
            return Verdict.REFUSED, "webhook-id is missing, or no id"
        keys = self._keys()
        refusals = [_refusal(key, headers, body, now) for key in keys]
        if refusals and all(refusals):
            return Verdict.REFUSED, refusals[-1]
        if message_id in self._taken:
            return Verdict.REPEATED, "this webhook-id was taken in before"
        return (Verdict.ACCEPTED, "") if keys else (Verdict.UNVERIFIED, "there is no key yet to check it with")


def _refusal(key: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Say why a message does not fit a key; empty when it does."""
    try:
        verify(key, headers, body, now)
    except SignatureRefused as error:
        return str(error)
    except SettingsError as error:
        return error.message
    return ""


@decodable
class _Envelope(msgspec.Struct):
    """What is read of a CloudEvents envelope."""

    type: str = ""
    subject: str = ""


def _about(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return an event's type and subject, of several those of the last."""
    if headers.get("content-type", "").startswith("application/cloudevents"):
        try:
            found = msgspec.json.decode(body, type=_Envelope | list[_Envelope])
        except msgspec.MsgspecError:
            return "", ""
        envelope = found if isinstance(found, _Envelope) else (found or [_Envelope()])[-1]
        return envelope.type, envelope.subject
    return headers.get("ce-type", ""), headers.get("ce-subject", "")
