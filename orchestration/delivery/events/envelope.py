"""Puts events into envelopes of CloudEvents 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from orchestration.delivery.events.catalogue import EventType
from orchestration.delivery.queue.claimed import Claimed, Event

ENVELOPE = "application/cloudevents+json"
ENVELOPES = "application/cloudevents-batch+json"


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """An event as it is written in JSON: what is empty is left out, ``data`` comes last.

    Extensions of CloudEvents (from ``registration`` on) are lower-case letters, their values text.
    """

    specversion: str
    id: str
    source: str
    type: str
    subject: str = ""
    time: str
    datacontenttype: str
    dataschema: str
    registration: str
    sequence: str = ""
    partitionkey: str = ""
    traceparent: str = ""
    data: Mapping[str, Any]


def envelope(kind: EventType, event: Event, claimed: Claimed, data: Mapping[str, Any]) -> Envelope:
    """Return an event's envelope.

    Source and id are unique together and the same on every attempt. The id is the delivery's; of several
    events in one delivery each has its place added.
    """
    return Envelope(
        specversion="1.0",
        id=_id(event, claimed),
        source=f"/strata/{claimed.tenant}",
        type=kind.versioned,
        subject=event.subject,
        time=event.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        datacontenttype="application/json",
        dataschema=kind.schema_uri,
        registration=claimed.registration_id,
        sequence="" if event.version is None else f"{event.version:020d}",
        partitionkey=claimed.lane,
        traceparent=event.traceparent or claimed.traceparent,
        data=data,
    )


def _id(event: Event, claimed: Claimed) -> str:
    if len(claimed.events) == 1:
        return claimed.delivery_id
    return f"{claimed.delivery_id}-{claimed.events.index(event) + 1}"
