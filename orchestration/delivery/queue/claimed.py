"""A delivery that a worker holds a lease on, and what became of it.

Structs, for thousands are made every second: they take a quarter of a dataclass's time, and the collector of
garbage passes over them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.registration import Place


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of a delivery; ``occurred_at`` is in milliseconds since 1970."""

    key: str
    type: str
    subject: str
    version: int | None
    data: dict[str, Any]
    occurred_at: int
    traceparent: str = ""

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return datetime.fromtimestamp(self.occurred_at / 1000, UTC)


class Named(msgspec.Struct, frozen=True, gc=False):
    """What every delivery has: its name, whose it is, where it goes and what it is about."""

    tenant: str
    delivery_id: str
    registration_id: str
    endpoint_id: str
    subject: str
    lane: str

    @property
    def place(self) -> Place:
        """The registration's name."""
        return self.tenant, self.registration_id

    @property
    def way(self) -> tuple[str, str, str]:
        """The lane of its registration."""
        return self.tenant, self.registration_id, self.lane

    @property
    def key(self) -> tuple[str, str]:
        """The delivery's name."""
        return self.tenant, self.delivery_id


class Due(Named, frozen=True, gc=False):
    """A delivery that goes next, with the other columns of its row."""

    attempts: int
    failure: str | None
    events: int
    from_version: int | None
    to_version: int | None
    traceparent: str


class Claimed(Named, frozen=True, gc=False):
    """A leased delivery with its events: of a table the newest alone, else all, oldest first.

    ``attempt`` counts this one. ``from_version`` is what the registration had when the delivery was first
    claimed (``None``: nothing yet, or no table).
    """

    attempt: int
    events: tuple[Event, ...]
    event_count: int
    from_version: int | None
    to_version: int | None
    traceparent: str = ""
    token: str = ""
    """Fresh with every claim: whoever comes with an older one is not heard."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one attempt; ``failure`` is ``None`` when it went well or there was nothing to send (``skipped``).

    ``deferred_until`` (milliseconds) puts the delivery back without counting the attempt: a breaker is open,
    or a limit is reached.
    """

    claimed: Claimed
    started_at: int
    milliseconds: int
    failure: DeliveryFailure | None = None
    message: str = ""
    status_code: int | None = None
    answer: str = ""
    retry_after: float | None = None
    is_permanent: bool = False
    is_skipped: bool = False
    deferred_until: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it was sent and went well, with nothing to tell of it."""
        return self.failure is None and self.deferred_until is None and not self.is_skipped and not self.message
