"""The platform's status as one small file, renamed into place after every change of the ledger.

``strata status`` and the sensors read only this file: nobody opens the warehouse to look.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from orchestration.bronze import standing
from orchestration.decoding import decodable
from orchestration.failures import Busy, StrataError
from orchestration.publication.exported import export_logs, in_turn
from orchestration.publication.files import replace_file
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.presence import somebody_is_at
from orchestration.warehouse.protocol import Row, Session


class EntityStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One entity over one connection. Times are UTC; ``fresh_for_seconds`` is the contract's promise, if known.

    ``status`` is that of the last load, ``loaded_at`` when bronze was last brought up to date,
    ``daily_at`` when a daily load last did so.
    """

    tenant: str
    source: str
    connection: str
    entity: str
    mode: str
    requested: str
    status: str
    message: str
    load_id: str
    last_load_at: datetime
    loaded_at: datetime | None
    watermark: datetime | None
    daily_at: datetime | None
    rejects_open: int
    held: int
    fresh_for_seconds: float | None = None

    def is_fresh(self, now: datetime) -> bool | None:
        """Say whether the last good load is recent enough; ``None`` when nothing is promised."""
        if self.fresh_for_seconds is None:
            return None
        return self.loaded_at is not None and (now - self.loaded_at).total_seconds() <= self.fresh_for_seconds


class BuildStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last build of a kind (``warehouse`` or ``financial``) and the last load that it takes in.

    ``good_up_to_seq`` is the last load that a build which ended well has taken in. ``status`` is running,
    succeeded, failed, or interrupted when its process is gone.
    """

    kind: str
    build_id: str
    up_to_seq: int
    good_up_to_seq: int
    status: str
    started_at: datetime
    finished_at: datetime | None


class AlertStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is open; ``tenant`` is who it is about, if that is one."""

    alert_id: str
    failure_class: str
    owner: str
    subject: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int
    tenant: str | None = None


@decodable
class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything; ``changed_seq`` is, by source, the last load that changed a row of bronze.

    ``alerts_waiting`` counts alerts of the last day whose present state was not sent yet.
    """

    written_at: datetime
    entities: tuple[EntityStatus, ...] = ()
    changed_seq: dict[str, int] = {}
    builds: tuple[BuildStatus, ...] = ()
    alerts: tuple[AlertStatus, ...] = ()
    alerts_waiting: int = 0


def status_path(settings: Settings) -> Path:
    """Return where the file lies."""
    return settings.published_dir / "strata" / "status.json"


def read_status(settings: Settings) -> Status | None:
    """Read the file; ``None`` before the first load. A build that died as it ran is ``interrupted``."""
    path = status_path(settings)
    try:
        status = msgspec.json.decode(path.read_bytes(), type=Status)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StrataError(f"{path} cannot be read: {error}.", "The next load writes it anew.") from None
    return msgspec.structs.replace(status, builds=tuple(_as_it_is(build, settings) for build in status.builds))


def _as_it_is(build: BuildStatus, settings: Settings) -> BuildStatus:
    if build.status != "running" or somebody_is_at(builder_mark(settings, build.kind)):
        return build
    return msgspec.structs.replace(build, status="interrupted")


def builder_mark(settings: Settings, kind: str) -> Path:
    """Return where the process that runs a build of this kind shows that it is there."""
    return settings.locks_dir / f"{kind}_build.at_work"


def write_status(session: Session, runtime: Runtime) -> Status:
    """Write what the ledger says, and what happened for deliveries; call it after the commit, within the session."""
    with in_turn(session, runtime.settings, "status"):
        return _write(session, runtime)


def _write(session: Session, runtime: Runtime) -> Status:
    export_logs(session, runtime.settings)
    standing.refresh(session)
    places, (alerts, waiting) = session.execute(_PLACES), _alerts(session)
    status = Status(
        written_at=utc_now(),
        entities=tuple(_entities(places, runtime)),
        changed_seq=_changed(places),
        builds=tuple(_builds(session)),
        alerts=tuple(alerts),
        alerts_waiting=waiting,
    )
    replace_file(status_path(runtime.settings), msgspec.json.encode(status))
    return status


class StatusWriter:
    """Writes the file for many loads: the first time at once, then no oftener than its cost allows.

    With 11,000 places a file of 4 MB takes 0.3 s; one for each load would cost more than the loads.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Remember whose status it is."""
        self.runtime = runtime
        self.is_behind = False
        self._next = 0.0
        self._writing = Lock()

    def now_and_then(self, session: Session) -> None:
        """Write if it is time and nobody does; else :attr:`is_behind` says that somebody still has to.

        Who waits for others in vain leaves it at that: what it would tell of is committed.
        """
        self.is_behind = True
        if time.monotonic() >= self._next and self._writing.acquire(blocking=False):
            try:
                with suppress(Busy):
                    self.write(session)
            finally:
                self._writing.release()

    def write(self, session: Session) -> None:
        """Write now; call it after the commit, within the session."""
        began, self.is_behind = time.monotonic(), False  # what comes to be while it is written is the next one's
        try:
            write_status(session, self.runtime)
        except BaseException:
            self.is_behind = True
            raise
        ended = time.monotonic()
        self._next = ended + max(_PAUSE_SECONDS, (ended - began) * _PAUSE_FACTOR)


_PAUSE_SECONDS, _PAUSE_FACTOR = 2.0, 20
_PLACES = f"""
SELECT tenant_id, source, connection, entity, mode, requested, status, coalesce(message, ''), load_id, finished_at,
    loaded_at, watermark, daily_at, coalesce(rejects, 0), coalesce(held, 0), changed_seq
FROM {platform_table("load_state")} LEFT JOIN (
    SELECT tenant_id, source, connection, entity, count(*) AS rejects
    FROM {platform_table("quarantine")} WHERE status = 'open' GROUP BY ALL
) USING (tenant_id, source, connection, entity)
ORDER BY tenant_id, source, connection, entity"""


_TIMES = ("last_load_at", "loaded_at", "watermark", "daily_at")


def _entities(places: Sequence[Row], runtime: Runtime) -> list[EntityStatus]:
    fields = EntityStatus.__struct_fields__[:-1]
    promises: dict[tuple[str, str], float | None] = {}
    found = []
    for row in places:
        values = dict(zip(fields, row[:-1], strict=True))
        # Asking each of 15 values of 19,000 places whether it is a time took half of the status's cost.
        for name in _TIMES:
            values[name] = aware(values[name])
        entity = values["source"], values["entity"]
        if entity not in promises:
            promises[entity] = _promise(runtime, *entity)
        found.append(EntityStatus(**values, fresh_for_seconds=promises[entity]))
    return found


def _promise(runtime: Runtime, source: str, entity: str) -> float | None:
    """A contract that cannot be read promises nothing; its own load says what is wrong with it."""
    try:
        contract = runtime.sources[source].contracts[entity]
    except (KeyError, StrataError):
        return None
    return contract.freshness.total_seconds()


def _changed(places: Sequence[Row]) -> dict[str, int]:
    """Taken from what is read anyway: as a query of its own it was a seventh of the status's cost."""
    newest: dict[str, int] = {}
    for row in places:
        source, seq = row[1], row[-1]
        if seq is not None:
            newest[source] = max(seq, newest.get(source, 0))
    return dict(sorted(newest.items()))


def _builds(session: Session) -> list[BuildStatus]:
    rows = session.execute(
        "SELECT kind, build_id, coalesce(up_to_seq, 0), "
        "coalesce(max(up_to_seq) FILTER (status = 'succeeded') OVER (PARTITION BY kind), 0), status, started_at, "
        f"finished_at FROM {platform_table('build_log')} "
        "QUALIFY row_number() OVER (PARTITION BY kind ORDER BY started_at DESC) = 1 ORDER BY kind"
    )
    fields = BuildStatus.__struct_fields__
    return [BuildStatus(**{n: _zoned(v) for n, v in zip(fields, row, strict=True)}) for row in rows]


def _alerts(session: Session) -> tuple[list[AlertStatus], int]:
    """Return the alerts that are open, and how many wait to be sent."""
    columns = "alert_id, class, owner, subject, message, first_at, last_at, count, tenant_id"
    rows = session.execute(
        f"SELECT {columns}, state = 'open', sent_at IS NULL FROM {platform_table('alert')} "
        "WHERE state = 'open' OR (sent_at IS NULL AND last_at >= ?) ORDER BY first_at, alert_id",
        [stored(utc_now() - timedelta(days=1))],
    )
    fields = AlertStatus.__struct_fields__
    alerts = [
        AlertStatus(**{n: _zoned(v) for n, v in zip(fields, values, strict=True)})
        for *values, is_open, _ in rows
        if is_open
    ]
    return alerts, sum(unsent for *_, unsent in rows)


def _zoned(value: Any) -> Any:  # noqa: ANN401 - a column holds text, numbers or times
    return aware(value) if isinstance(value, datetime) else value
