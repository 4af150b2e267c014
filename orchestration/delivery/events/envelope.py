"""Puts events into envelopes of CloudEvents 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.delivery.events.catalogue import EventType
from orchestration.delivery.queue.claimed import Claimed, Event

ENVELOPE = "application/cloudevents+json"
ENVELOPES = "application/cloudevents-batch+json"


def envelope(kind: EventType, event: Event, claimed: Claimed, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's envelope; ``data`` is its last member.

    Source and id are unique together and the same on every attempt. The id is the delivery's; of several
    events in one delivery each has its place added.
    """
    attributes = {
        "specversion": "1.0",
        "id": _id(event, claimed),
        "source": f"/strata/{claimed.tenant}",
        "type": kind.versioned,
        "subject": event.subject,
        "time": event.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": kind.schema_uri,
        # Extensions of CloudEvents are lower-case letters, their values text.
        "registration": claimed.registration_id,
        "sequence": "" if event.version is None else f"{event.version:020d}",
        "partitionkey": claimed.lane,
        "traceparent": event.traceparent or claimed.traceparent,
    }
    return {name: value for name, value in attributes.items() if value} | {"data": dict(data)}


def _id(event: Event, claimed: Claimed) -> str:
    if len(claimed.events) == 1:
        return claimed.delivery_id
    return f"{claimed.delivery_id}-{claimed.events.index(event) + 1}"
