"""What became of deliveries, table by table and version by version: what operators are shown.

Whatever ended long ago is not looked at: the counts of what is unfinished or dead are whole, those of what
ended are of the last :data:`DAYS`, and of the newest :data:`MOST_ENDED` in each state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, FromClause, RowMapping, Select, case, func, select

from orchestration.control.delivery_tables import FINAL_STATES, WAITING_STATES, delivery
from orchestration.delivery.late import is_late
from orchestration.delivery.terms import SECOND
from orchestration.delivery.troubled import Troubled, troubled
from orchestration.names import Table

VERSIONS_SHOWN = 20
DAYS = 7
MOST_ENDED = 50_000
"""A sensor looks every 30 s: so many are counted in about 0.1 s, whatever else there is."""
_UNFINISHED = (*WAITING_STATES, "dead")
_ENDED = tuple(state for state in FINAL_STATES if state != "dead")


@dataclass(frozen=True)
class VersionStatus:
    """How many deliveries of one version are in which state; ``failing`` are those waiting that were tried already."""

    version: int
    delivered: int
    waiting: int
    failing: int
    dead: int
    skipped: int
    cancelled: int


@dataclass(frozen=True)
class TableStatus:
    """A table's newest versions, newest first, its registrations in trouble, and when it came to be late.

    ``delivered_at`` is when a delivery arrived last, ``late_since`` when the one that is latest was due
    (milliseconds; ``None``: none did, none is).
    """

    table: Table
    versions: tuple[VersionStatus, ...]
    delivered: int
    waiting: int
    failing: int
    dead: int
    delivered_at: int | None
    late_since: int | None
    troubled: tuple[Troubled, ...]

    def lag_seconds(self, now: int) -> float:
        """Return how late the latest delivery is; 0 when none is."""
        return max(0, now - self.late_since) / 1000 if self.late_since else 0.0


def table_status(connection: Connection, now: int) -> list[TableStatus]:
    """Return every table of which something was delivered lately, or waits, or is dead; sorted."""
    of_table: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for statement in (_counts(delivery).where(delivery.c.state.in_(_UNFINISHED)), *_ended(now)):
        for row in connection.execute(statement).mappings():
            of_table[row["subject"]].append(row)
    late = _late(connection, now)
    trouble = troubled(connection)
    return [_status(name, rows, late.get(name), trouble.get(name, ())) for name, rows in sorted(of_table.items())]


def _counts(source: FromClause) -> Select[tuple[object, ...]]:
    columns = source.c
    # A count that is looked at twice: of those that wait, the ones that were tried before.
    tried = func.sum(case((columns.attempts > 0, 1), else_=0))
    counted = select(
        columns.subject,
        columns.to_version,
        columns.state,
        func.count().label("count"),
        tried.label("tried"),
        func.max(columns.due_at).label("last"),
    )
    return counted.where(columns.to_version.is_not(None)).group_by(columns.subject, columns.to_version, columns.state)


def _ended(now: int) -> Iterator[Select[tuple[object, ...]]]:
    for state in _ENDED:
        # A final delivery's due_at is when it ended, so that the index of what is due finds it.
        recent = select(delivery).where(delivery.c.state == state, delivery.c.due_at >= now - DAYS * 86_400 * SECOND)
        yield _counts(recent.order_by(delivery.c.due_at.desc()).limit(MOST_ENDED).subquery())


def _late(connection: Connection, now: int) -> dict[str, int]:
    since = func.min(delivery.c.due_at).label("since")
    of_tables = select(delivery.c.subject, since).where(delivery.c.to_version.is_not(None), is_late(now))
    return {
        row["subject"]: row["since"] for row in connection.execute(of_tables.group_by(delivery.c.subject)).mappings()
    }


def _status(subject: str, rows: list[RowMapping], late: int | None, trouble: Iterable[Troubled]) -> TableStatus:
    schema, _, name = subject.partition(".")
    newest = sorted({row["to_version"] for row in rows}, reverse=True)[:VERSIONS_SHOWN]
    return TableStatus(
        table=(schema, name),
        versions=tuple(_version(number, [row for row in rows if row["to_version"] == number]) for number in newest),
        delivered=_count(rows, ["delivered"]),
        waiting=_count(rows, WAITING_STATES),
        failing=sum(row["tried"] for row in rows if row["state"] in WAITING_STATES),
        dead=_count(rows, ["dead"]),
        delivered_at=max((row["last"] for row in rows if row["state"] == "delivered"), default=None),
        late_since=late,
        troubled=tuple(trouble),
    )


def _version(number: int, rows: list[RowMapping]) -> VersionStatus:
    return VersionStatus(
        version=number,
        delivered=_count(rows, ["delivered"]),
        waiting=_count(rows, WAITING_STATES),
        failing=sum(row["tried"] for row in rows if row["state"] in WAITING_STATES),
        dead=_count(rows, ["dead"]),
        skipped=_count(rows, ["skipped"]),
        cancelled=_count(rows, ["cancelled"]),
    )


def _count(rows: Iterable[RowMapping], states: Iterable[str]) -> int:
    return sum(row["count"] for row in rows if row["state"] in states)
