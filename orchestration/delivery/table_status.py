"""What became of deliveries, table by table and version by version: what operators are shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, select

from orchestration.control.delivery_tables import WAITING_STATES, delivery
from orchestration.names import Table

VERSIONS_SHOWN = 20


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
    """A table's newest versions, newest first, and since when the oldest unfinished delivery waits (milliseconds)."""

    table: Table
    versions: tuple[VersionStatus, ...]
    delivered: int
    waiting: int
    failing: int
    dead: int
    waiting_since: int | None

    def lag_seconds(self, now: int) -> float:
        """Return how long the oldest unfinished delivery has waited; 0 when there is none."""
        return max(0, now - self.waiting_since) / 1000 if self.waiting_since else 0.0


def table_status(connection: Connection) -> list[TableStatus]:
    """Return every table that was ever to be delivered, sorted."""
    columns = delivery.c
    # A count that is looked at twice: of those that wait, the ones that were tried before.
    tried = func.sum((columns.attempts > 0).cast(columns.attempts.type))
    statement = (
        select(
            columns.subject,
            columns.to_version,
            columns.state,
            func.count().label("count"),
            tried.label("tried"),
            func.min(columns.first_event_at).label("since"),
        )
        .where(columns.to_version.is_not(None))
        .group_by(columns.subject, columns.to_version, columns.state)
    )
    of_table: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(statement).mappings():
        of_table[row["subject"]].append(row)
    return [_status(subject, rows) for subject, rows in sorted(of_table.items())]


def _status(subject: str, rows: list[RowMapping]) -> TableStatus:
    schema, _, name = subject.partition(".")
    newest = sorted({row["to_version"] for row in rows}, reverse=True)[:VERSIONS_SHOWN]
    waiting = [row for row in rows if row["state"] in WAITING_STATES]
    return TableStatus(
        table=(schema, name),
        versions=tuple(_version(number, [row for row in rows if row["to_version"] == number]) for number in newest),
        delivered=_count(rows, ["delivered"]),
        waiting=_count(rows, WAITING_STATES),
        failing=sum(row["tried"] for row in waiting),
        dead=_count(rows, ["dead"]),
        waiting_since=min((row["since"] for row in waiting), default=None),
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
