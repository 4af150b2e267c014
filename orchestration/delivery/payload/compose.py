"""Composes the message of a delivery: what happened, or the rows of a published version."""

from __future__ import annotations

from pathlib import Path

import duckdb
import msgspec
from msgspec.structs import replace

from orchestration.access.refusals import Unanswerable
from orchestration.access.relation import reader
from orchestration.delivery.channels.channel import Message
from orchestration.delivery.events.catalogue import EventType, event_type
from orchestration.delivery.events.envelope import ENVELOPE, ENVELOPES, envelope
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.payload.forms import CONTENT_TYPES
from orchestration.delivery.payload.selection import Selector, about_version
from orchestration.delivery.payload.writing import write
from orchestration.delivery.queue.claimed import Claimed
from orchestration.delivery.registration import Registration
from orchestration.runtime import Runtime

_COUNTS = ("inserted", "updated", "deleted")


def compose(
    runtime: Runtime, registration: Registration, claimed: Claimed, scratch: Path, *, largest_body: int
) -> Message | None:
    """Return the message, or ``None`` when nothing differs for this registration.

    Rows are written below ``scratch``, whose files are the caller's to delete; up to ``largest_body`` bytes they
    come as the message's body, beyond that as its file. It works in DuckDB: call it in a thread.

    Raises:
        DeliveryFailed: the rows cannot be had (``payload``); names the table, the version and the fault.
        SettingsError: there is no such type of event any more.
    """
    kinds = [event_type(runtime.settings, event.type) for event in claimed.events]
    if registration.payload == "reference" or not kinds[-1].about_table:
        return _of_events(registration, claimed, kinds)
    path = scratch / f"{claimed.delivery_id}.{registration.format}"
    try:
        with reader(runtime) as con:
            selection = Selector(con, runtime.settings, registration, claimed).select()
            if selection is None:
                return None
            around = envelope(kinds[-1], claimed.events[-1], claimed, selection.about)
            write(con, selection, registration.format, around, path)
    except Unanswerable as error:
        raise DeliveryFailed(DeliveryFailure.PAYLOAD, f"{claimed.subject}: {error.message}", error.remedy) from None
    except duckdb.Error as error:
        # The engine's own words may quote a value of some row.
        message = f"{claimed.subject} version {claimed.to_version} cannot be read: {type(error).__name__}."
        raise DeliveryFailed(DeliveryFailure.PAYLOAD, message) from None
    sent = _message(registration, claimed, kinds[-1], CONTENT_TYPES[registration.format], registration.format)
    return _with_content(replace(sent, rows=selection.rows), path, largest_body)


def _of_events(registration: Registration, claimed: Claimed, kinds: list[EventType]) -> Message:
    documents = [
        envelope(kind, event, claimed, _reference(claimed, event.data) if kind.about_table else event.data)
        for kind, event in zip(kinds, claimed.events, strict=True)
    ]
    single = len(documents) == 1
    body = msgspec.json.encode(documents[0] if single else documents)
    return _message(registration, claimed, kinds[-1], ENVELOPE if single else ENVELOPES, "json", body=body)


def _reference(claimed: Claimed, data: dict[str, object]) -> dict[str, object]:
    """Counts are those between two versions: they hold for whoever has the one before."""
    about = about_version(claimed)
    if claimed.from_version is None or claimed.to_version == claimed.from_version + 1:
        return about | data
    return about | {name: value for name, value in data.items() if name not in _COUNTS}


def _with_content(message: Message, path: Path, largest_body: int) -> Message:
    if path.stat().st_size > largest_body:
        return replace(message, file=path)
    message = replace(message, body=path.read_bytes())
    path.unlink()
    return message


def _message(
    registration: Registration,
    claimed: Claimed,
    kind: EventType,
    content_type: str,
    extension: str,
    *,
    body: bytes = b"",
) -> Message:
    event = claimed.events[-1]
    return Message(
        delivery_id=claimed.delivery_id,
        tenant=claimed.tenant,
        registration_id=registration.registration_id,
        event_type=kind.versioned,
        subject=claimed.subject,
        occurred_at=event.moment,
        attempt=claimed.attempt,
        content_type=content_type,
        extension=extension,
        sequence=claimed.to_version or 0,
        body=body,
        traceparent=event.traceparent or claimed.traceparent,
    )
