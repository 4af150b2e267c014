"""What an envelope says of an event, for bodies that have none (CSV, Parquet …): CloudEvents' binary mode."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import quote

from orchestration.delivery.channels.channel import Message

ENVELOPE = "application/cloudevents"
"""What the content type of a body that is an envelope begins with."""
# Everything else is percent-encoded in headers of text protocols, as the standard has it: above all line breaks.
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "").replace('"', "")


def attributes(message: Message) -> dict[str, str]:
    """Return a message's attributes, in the form that envelopes have them in."""
    found = {
        "specversion": "1.0",
        "id": message.delivery_id,
        "source": f"/strata/{message.tenant}",
        "type": message.event_type,
        "subject": message.subject,
        "time": message.occurred_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "registration": message.registration_id,
        # Texts that sort as the numbers do.
        "sequence": f"{message.sequence:020d}" if message.sequence else "",
    }
    return {name: value for name, value in found.items() if value}


def as_headers(message: Message) -> dict[str, str]:
    """Return them as headers of HTTP and NATS."""
    return {f"ce-{name}": quote(value, safe=_VISIBLE) for name, value in attributes(message).items()}
