"""The load ledger: one row a load, written in the data's transaction; watermarks live here and nowhere else.

Every row carries the watermark forward, so the newest finished row of an entity
and connection says where the next delta begins.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from orchestration import names
from orchestration.failures import StrataError
from orchestration.landing.manifest import Place
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

LEDGER = platform_table("load_ledger")
LOADED, HELD, FAILED = "loaded", "held", "failed"
_FINISHED = f"status IN ('{LOADED}', '{HELD}')"
OF_PLACE = "tenant_id = ? AND source = ? AND connection = ? AND entity = ?"


@dataclass(frozen=True)
class LoadResult:
    """One load as the ledger keeps it. Times are UTC with a zone; ``seq`` is 0 when it could not be recorded.

    ``extracted = inserted + updated + unchanged + superseded + rejected``; ``deleted`` counts
    rows that became tombstones, ``held`` those that would have, had the guard let them.
    """

    load_id: str
    tenant_id: str
    connection: str
    source: str
    entity: str
    mode: str
    requested: str
    status: str
    started_at: datetime
    who: str
    contract_version: str
    seq: int = 0
    run_id: str | None = None
    failure_class: str | None = None
    window_since: datetime | None = None
    window_until: datetime | None = None
    watermark: datetime | None = None
    deletes_until: datetime | None = None
    extracted: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    deleted: int = 0
    held: int = 0
    landed_bytes: int = 0
    seconds: float = 0.0
    extract_seconds: float = 0.0
    finished_at: datetime | None = None
    reason: str | None = None
    message: str = ""

    @property
    def place(self) -> Place:
        """Where it landed."""
        return Place(self.tenant_id, self.source, self.connection, self.entity)

    @property
    def changed(self) -> int:
        """Rows of bronze that are not what they were."""
        return self.inserted + self.updated + self.deleted

    def check(self) -> None:
        """Refuse counts that do not add up: a row would have been lost without a word.

        Raises:
            StrataError: they do not; names the load and the counts.
        """
        if self.status == FAILED:
            return  # nothing was merged, so there is nothing to add up
        total = self.inserted + self.updated + self.unchanged + self.superseded + self.rejected
        if total != self.extracted:
            counts = f"{self.inserted} inserted, {self.updated} updated, {self.unchanged} unchanged"
            message = f"{self.load_id}: {self.extracted} rows extracted, but {counts}, "
            message += f"{self.superseded} superseded and {self.rejected} rejected are {total}."
            raise StrataError(message, "Nothing was written. This is a fault of the engine: please report it.")


@dataclass(frozen=True)
class Mark:
    """What the ledger knows before a load: how far bronze is, and how many rows the last full load had.

    ``last_load_id`` is the newest load that is part of bronze; a landing after it is an orphan.
    """

    watermark: datetime | None = None
    deletes_until: datetime | None = None
    full_rows: int | None = None
    last_load_id: str | None = None


def read_mark(session: Session, place: Place) -> Mark:
    """Return how far an entity's bronze is over one connection."""
    sql = (
        "SELECT arg_max_null(watermark, seq), arg_max_null(deletes_until, seq), "
        f"arg_max(extracted, seq) FILTER (mode = 'full'), max(load_id) FROM {LEDGER} WHERE {OF_PLACE} AND {_FINISHED}"
    )
    watermark, deletes_until, full_rows, last = session.execute(sql, _key(place))[0]
    return Mark(aware(watermark), aware(deletes_until), full_rows, last)


def finished_in_run(session: Session, place: Place, run_id: str | None) -> bool:
    """Say whether an entity is loaded already under a run's id, so that a retry takes only what failed."""
    if run_id is None:
        return False
    where = f"{OF_PLACE} AND run_id = ? AND {_FINISHED}"
    return bool(session.execute(f"SELECT 1 FROM {LEDGER} WHERE {where} LIMIT 1", [*_key(place), run_id]))


@dataclass(frozen=True)
class Stamp:
    """A load's place in the order of all loads, and the instant its rows carry (later than every earlier one's)."""

    seq: int
    at: datetime


def next_stamp(session: Session) -> Stamp:
    """Draw the next stamp; valid within the transaction that also records the load."""
    seq, last = session.execute(f"SELECT coalesce(max(seq), 0) + 1, max(finished_at) FROM {LEDGER}")[0]
    now = utc_now()
    # A clock set back must not hide rows from models that read what was loaded since they last ran.
    return Stamp(seq, max(now, aware(last) + timedelta(microseconds=1)) if last else now)


def record(session: Session, result: LoadResult, stamp: Stamp) -> LoadResult:
    """Write the ledger row; call it in the data's transaction."""
    seconds = (stamp.at - result.started_at).total_seconds()
    result = replace(result, seq=stamp.seq, finished_at=stamp.at, seconds=max(seconds, 0.0))
    result.check()
    columns = [field.name for field in fields(result)]
    values = [_plain(getattr(result, name)) for name in columns]
    listed = ", ".join(names.quote(name) for name in columns)
    marks = ", ".join("?" for _ in columns)
    session.execute(f"INSERT INTO {LEDGER} ({listed}) VALUES ({marks})", values)
    return result


def read_loads(session: Session, place: Place) -> list[LoadResult]:
    """Return the finished loads of a place, oldest first."""
    columns = [field.name for field in fields(LoadResult)]
    listed = ", ".join(names.quote(name) for name in columns)
    sql = f"SELECT {listed} FROM {LEDGER} WHERE {OF_PLACE} AND {_FINISHED} ORDER BY seq"
    rows = session.execute(sql, _key(place))
    return [LoadResult(**dict(zip(columns, map(_zoned, row), strict=True))) for row in rows]


def places(session: Session, source: str, entity: str) -> list[Place]:
    """Return the places that an entity was ever loaded to."""
    sql = (
        f"SELECT DISTINCT tenant_id, source, connection, entity FROM {LEDGER} "
        f"WHERE source = ? AND entity = ? AND {_FINISHED} ORDER BY ALL"
    )
    return [Place(*row) for row in session.execute(sql, [source, entity])]


def first_load(session: Session, source: str) -> datetime | None:
    """Return when the first load of a source ended; ``None`` when it was never loaded."""
    sql = f"SELECT min(finished_at) FROM {LEDGER} WHERE source = ? AND {_FINISHED}"
    moment: datetime | None = _zoned(session.execute(sql, [source])[0][0])
    return moment


def _key(place: Place) -> list[object]:
    return [place.tenant, place.source, place.connection, place.entity]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a ledger column holds text, numbers or times
    return stored(value) if isinstance(value, datetime) else value


def _zoned(value: Any) -> Any:  # noqa: ANN401 - as above
    return aware(value) if isinstance(value, datetime) else value
