"""The load ledger: one row a load, written in the data's transaction; watermarks live here and nowhere else.

Every row carries the watermark forward, so the newest finished row of an entity
and connection says where the next delta begins; ``standing`` holds that row's marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from orchestration import names
from orchestration.arrow_values import double_array, instant_array, integer_array, text_array
from orchestration.bronze import standing
from orchestration.bronze.telling import tell_failures
from orchestration.failures import StrataError
from orchestration.landing.manifest import Place
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

LEDGER = standing.LEDGER
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
    traceparent: str = ""

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

    ``last_load_id`` is the newest load that is part of bronze; a landing after it is an orphan. ``seq`` is
    the last finished load's place in the ledger (0: none) and ``version`` the contract that it followed.
    """

    watermark: datetime | None = None
    deletes_until: datetime | None = None
    full_rows: int | None = None
    last_load_id: str | None = None
    seq: int = 0
    version: str | None = None


_MARKS = f"""
SELECT tenant_id, source, connection, entity, watermark, deletes_until, full_rows, good_load_id, good_seq, good_version
FROM {standing.STATE} WHERE good_seq IS NOT NULL AND """


def read_mark(session: Session, place: Place) -> Mark:
    """Return how far an entity's bronze is over one connection."""
    standing.refresh(session)
    return _known_mark(session, place)


def stands_at(session: Session, place: Place, mark: Mark) -> bool:
    """Say whether a mark that was read is still the last one."""
    return _known_mark(session, place) == mark


def _known_mark(session: Session, place: Place) -> Mark:
    rows = session.execute(_MARKS + OF_PLACE, _key(place))
    return _mark(rows[0]) if rows else Mark()


def read_marks(session: Session, source: str) -> dict[Place, Mark]:
    """Return how far every place of a source is; a place that never finished a load is left out."""
    standing.refresh(session)
    return {Place(*row[:4]): _mark(row) for row in session.execute(_MARKS + "source = ?", [source])}


def _mark(row: Sequence[Any]) -> Mark:
    watermark, deletes_until, full_rows, last, seq, version = row[4:]
    return Mark(aware(watermark), aware(deletes_until), full_rows, last, seq, version)


def finished_in_run(session: Session, source: str, run_id: str | None) -> set[Place]:
    """Return what is loaded already under a run's id, so that a retry takes only what failed."""
    if run_id is None:
        return set()
    sql = f"SELECT DISTINCT tenant_id, source, connection, entity FROM {LEDGER} WHERE source = ? AND run_id = ?"
    return {Place(*row) for row in session.execute(f"{sql} AND {_FINISHED}", [source, run_id])}


def last_loads(session: Session, source: str, *, daily: bool) -> dict[Place, datetime]:
    """Return when each place of a source was last brought up to date, by any load or by a daily one."""
    standing.refresh(session)
    moment = "daily_at" if daily else "loaded_at"
    sql = f"SELECT tenant_id, source, connection, entity, {moment} FROM {standing.STATE} WHERE source = ?"
    rows = session.execute(f"{sql} AND {moment} IS NOT NULL", [source])
    return {Place(*row[:4]): aware(row[4]) for row in rows}


def rows_since(session: Session, moment: datetime) -> dict[str, int]:
    """Return how many rows the loads of each tenant have read since then, from all sources."""
    sql = f"SELECT tenant_id, sum(extracted)::BIGINT FROM {LEDGER} WHERE finished_at >= ? GROUP BY tenant_id"
    return dict(session.execute(sql, [stored(moment)]))


@dataclass(frozen=True)
class Stamp:
    """A load's place in the order of all loads, and the instant its rows carry.

    It is later than that of every load of the same place before it, and of every load that a build has taken in. Of
    loads side by side, the one that is recorded first may carry the later instant.
    """

    seq: int
    at: datetime

    def behind(self, other: Stamp) -> Stamp:
        """Return it with a later place, and the instant that its rows carry already."""
        return replace(self, seq=max(self.seq, other.seq))


def next_stamp(session: Session) -> Stamp:
    """Draw the next stamp; valid within the transaction that also records the load.

    Beside others its number is one to begin with: the load gets a later one as it is recorded.
    A number that a build has taken in is never given again, even when the load that had it is removed.
    """
    seq, last = session.execute(f"SELECT coalesce(max(seq), 0), max(finished_at) FROM {LEDGER}")[0]
    (built,) = session.execute(f"SELECT coalesce(max(up_to_seq), 0) FROM {platform_table('build_log')}")[0]
    now = utc_now()
    # A clock set back must not hide rows from models that read what was loaded since they last ran.
    return Stamp(max(seq, built) + 1, max(now, aware(last) + timedelta(microseconds=1)) if last else now)


def record(session: Session, result: LoadResult, stamp: Stamp) -> LoadResult:
    """Write the ledger row; call it in the data's transaction."""
    return record_all(session, [result], stamp)[0]


def record_all(session: Session, results: Sequence[LoadResult], first: Stamp) -> list[LoadResult]:
    """Write the ledger rows of loads of different places, numbered from ``first`` on, and return them so.

    Where others record loads meanwhile, they are numbered behind those; call it last, for now others wait.
    """
    if not results:
        return []
    with session.numbering() as overtaken:
        first = first.behind(next_stamp(session)) if overtaken else first
        stamped = [_stamped(result, first, number) for number, result in enumerate(results)]
        session.con.register("being_recorded", _table(stamped))
        session.execute(f"INSERT INTO {LEDGER} BY NAME SELECT * FROM being_recorded")
        tell_failures(session, [result for result in stamped if result.status == FAILED])
        standing.fold(session, "being_recorded", len(stamped))
        session.con.unregister("being_recorded")
    return stamped


def newest_trace(session: Session) -> str:
    """Return the trace of the newest load that changed rows and was traced; empty when there is none.

    What is built from bronze goes on with it.
    """
    changed = "traceparent <> '' AND inserted + updated + deleted > 0"
    found = session.execute(f"SELECT traceparent FROM {LEDGER} WHERE {changed} ORDER BY seq DESC LIMIT 1")
    return str(found[0][0]) if found else ""


def _stamped(result: LoadResult, first: Stamp, number: int) -> LoadResult:
    at = first.at + timedelta(microseconds=number)
    # One that waited to be written down has said already how long it took.
    seconds = result.seconds or max((at - result.started_at).total_seconds(), 0.0)
    result = replace(result, seq=first.seq + number, finished_at=at, seconds=seconds)
    result.check()
    return result


_ARROW: dict[str, Callable[[Sequence[Any]], pa.Array]] = {
    "str": text_array,
    "int": integer_array,
    "float": double_array,
    "datetime": instant_array,
}


def _table(results: Sequence[LoadResult]) -> pa.Table:
    """Return results as the ledger's columns."""
    columns = {}
    for field in fields(LoadResult):
        array_of = _ARROW[str(field.type).partition(" |")[0]]
        columns[field.name] = array_of([_plain(getattr(result, field.name)) for result in results])
    return pa.table(columns)


def read_loads(session: Session, place: Place) -> list[LoadResult]:
    """Return the finished loads of a place, oldest first."""
    return _read(session, OF_PLACE, _key(place))


def all_loads(session: Session) -> list[LoadResult]:
    """Return every finished load, oldest first."""
    return _read(session, "seq >= ?", [0])


def loads_of_run(session: Session, source: str, run_id: str) -> list[LoadResult]:
    """Return a source's finished loads under a run's id, oldest first."""
    return _read(session, "source = ? AND run_id = ?", [source, run_id])


def _read(session: Session, condition: str, parameters: list[object]) -> list[LoadResult]:
    columns = [field.name for field in fields(LoadResult)]
    listed = ", ".join(names.quote(name) for name in columns)
    sql = f"SELECT {listed} FROM {LEDGER} WHERE {condition} AND {_FINISHED} ORDER BY seq"
    rows = session.execute(sql, parameters)
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
