"""Judges messages as a receiver should: is it from whom it says, and was it here before?"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

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

    def __init__(self, key: Callable[[], str]) -> None:
        """Ask ``key`` at each message for what signatures are checked with; empty: there is none yet."""
        self._key = key
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
        key = self._key()
        if key:
            try:
                verify(key, headers, body, now)
            except SignatureRefused as error:
                return Verdict.REFUSED, str(error)
            except SettingsError as error:
                return Verdict.REFUSED, error.message
        if message_id in self._taken:
            return Verdict.REPEATED, "this webhook-id was taken in before"
        return (Verdict.ACCEPTED, "") if key else (Verdict.UNVERIFIED, "there is no key yet to check it with")


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
