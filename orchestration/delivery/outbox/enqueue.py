"""Writes what is wanted into the outbox, and the deliveries that carry it: each its own, or gathered in a window.

One pass for a whole batch: rows are collected and written together, so that a thousand
registrations, or ten thousand changes of one table, cost a few statements each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from orchestration.control.delivery_tables import UNFINISHED, delivery, outbox
from orchestration.delivery.delivery_id import delivery_ids
from orchestration.delivery.outbox import lanes
from orchestration.delivery.outbox.wanted import Wanted
from orchestration.delivery.outbox.windows import due_at
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.registration import Place, Registration

_AT_ONCE = 500
"""Keys asked for in one statement: SQL Server takes 2,100 parameters."""
_EXTENDED = ("events", "last_event_at", "to_version", "due_at", "rank", "state", "traceparent")

Row = dict[str, Any]
Line = tuple[Place, str]
"""A registration and the subject under which its window gathers, or the lane that its deliveries share."""


def enqueue(connection: Connection, now: int, created: int, wanted: Sequence[Wanted]) -> int:
    """Write outbox rows and deliveries for what is not there yet; returns how many deliveries were begun.

    ``created`` names the time in deliveries' names, which never goes back though ``now`` may. Call
    :func:`lanes.enter` before.
    """
    batch = _Batch(connection, now, delivery_ids(created), created)
    for item in _unknown(connection, wanted):
        batch.add(item)
    batch.write()
    return len(batch.begun)


def _unknown(connection: Connection, wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    """Leave out what a replayed tick has written before."""
    by_place: defaultdict[Place, list[Wanted]] = defaultdict(list)
    for item in wanted:
        by_place[item.registration.place].append(item)
    for place, items in by_place.items():
        known = set(_known(connection, place, [item.event.key for item in items]))
        for item in items:
            if item.event.key not in known:
                known.add(item.event.key)
                yield item


def _known(connection: Connection, place: Place, keys: Sequence[str]) -> Iterable[str]:
    mine = (outbox.c.tenant_id == place[0], outbox.c.registration_id == place[1])
    for start in range(0, len(keys), _AT_ONCE):
        among = outbox.c.event_key.in_(keys[start : start + _AT_ONCE])
        yield from connection.execute(select(outbox.c.event_key).where(*mine, among)).scalars()


@dataclass
class _Batch:
    """Rows to write, the windows that are open, and the lanes that are known to be taken."""

    connection: Connection
    now: int
    ids: Iterator[str]
    created: int
    events: list[Row] = field(default_factory=list)
    begun: dict[str, Row] = field(default_factory=dict)
    extended: dict[str, Row] = field(default_factory=dict)
    open: dict[Line, Row | None] = field(default_factory=dict)
    taken: set[Line] = field(default_factory=set)

    def add(self, item: Wanted) -> None:
        """Put one event into the delivery that carries it."""
        gathers = item.registration.terms.quiet_seconds > 0
        row = self._gather(item) if gathers else self._begin(item, item.event.subject, gathers=False)
        self.events.append(_outbox_row(item, row["delivery_id"]))

    def write(self) -> None:
        """Write everything; deliveries first, for people who look at an outbox row look for its delivery."""
        if self.begun:
            self.connection.execute(insert(delivery), list(self.begun.values()))
        if self.extended:
            self.connection.execute(_EXTEND, [_extension(row) for row in self.extended.values()])
        if self.events:
            self.connection.execute(insert(outbox), self.events)

    def _gather(self, item: Wanted) -> Row:
        """Take the event into the open window of its line, or open one."""
        wish = item.registration
        lane = lanes.lane_of(wish, item.event.subject, of_table=item.of_table)
        subject = item.event.subject if item.of_table or lane else ""  # without order, whatever comes goes together
        line = (wish.place, f"{lane}\n{subject}")
        if line not in self.open:
            self.open[line] = self._opened(wish, lane, subject)
        row = self.open[line]
        if row is None:
            row = self.open[line] = self._begin(item, subject, gathers=True)
        else:
            self._extend(row, item)
        if row["events"] >= wish.terms.largest_batch:
            row["state"] = self._enter(wish.place, lane)
            self.open[line] = None
        return row

    def _opened(self, wish: Registration, lane: str, subject: str) -> Row | None:
        gathering = (
            UNFINISHED,
            delivery.c.tenant_id == wish.tenant,
            delivery.c.registration_id == wish.registration_id,
            delivery.c.lane == lane,
            delivery.c.state == "gathering",
            delivery.c.subject == subject,
        )
        found = self.connection.execute(select(delivery).where(*gathering).limit(1)).mappings().first()
        return dict(found) if found else None

    def _extend(self, row: Row, item: Wanted) -> None:
        terms, event = item.registration.terms, item.event
        row["events"] += 1
        row["last_event_at"] = max(row["last_event_at"], self.now)
        row["to_version"] = event.version
        row["traceparent"] = event.traceparent
        row["due_at"] = due_at(terms, row["first_event_at"], row["last_event_at"], row["events"])
        row["rank"] = rank(row["due_at"], terms)
        if row["delivery_id"] not in self.begun:
            self.extended[row["delivery_id"]] = row

    def _begin(self, item: Wanted, subject: str, *, gathers: bool) -> Row:
        wish, event = item.registration, item.event
        lane = lanes.lane_of(wish, event.subject, of_table=item.of_table)
        due = due_at(wish.terms, self.now, self.now, 1) if gathers else self.now
        row: Row = {
            "tenant_id": wish.tenant,
            "delivery_id": next(self.ids),
            "registration_id": wish.registration_id,
            "endpoint_id": wish.endpoint,
            "subject": subject,
            "lane": lane,
            "state": "gathering" if gathers else self._enter(wish.place, lane),
            "rank": rank(due, wish.terms),
            "due_at": due,
            "created_at": self.created,
            "first_event_at": self.now,
            "last_event_at": self.now,
            "events": 1,
            "to_version": event.version,
            "traceparent": event.traceparent,
        }
        self.begun[row["delivery_id"]] = row
        return row

    def _enter(self, place: Place, lane: str) -> str:
        """Return the state of a delivery that goes into its lane now, and take the lane."""
        line = (place, lane)
        if line not in self.taken and not lanes.is_taken(self.connection, place, lane):
            if lane != lanes.NO_LANE:
                self.taken.add(line)
            return "ready"
        return "blocked"


_EXTEND = (
    update(delivery)
    .where(delivery.c.tenant_id == bindparam("of_tenant"), delivery.c.delivery_id == bindparam("of_delivery"))
    .values({name: bindparam(f"new_{name}") for name in _EXTENDED})
)


def _extension(row: Row) -> Row:
    key = {"of_tenant": row["tenant_id"], "of_delivery": row["delivery_id"]}
    return key | {f"new_{name}": row[name] for name in _EXTENDED}


def _outbox_row(item: Wanted, delivery_id: str) -> Row:
    event, wish = item.event, item.registration
    return {
        "tenant_id": wish.tenant,
        "registration_id": wish.registration_id,
        "event_key": event.key,
        "delivery_id": delivery_id,
        "event_type": event.type,
        "subject": event.subject,
        "version": event.version,
        "data": event.data,
        "occurred_at": event.occurred_at,
        "traceparent": event.traceparent,
    }
