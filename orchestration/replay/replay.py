"""The order of a replay: every load, build and close of the record that this warehouse has not done yet.

What is done already is known by the ledger, the log of builds and that of closes, so that a replay that was
interrupted goes on, and one that is run again takes in what the other home has done since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby

from orchestration.bronze import ledger
from orchestration.bronze.backfill import BACKFILL
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.past import past_loads
from orchestration.contracts.model import Contract
from orchestration.failures import SettingsError, StrataError
from orchestration.landing.history import read_manifest
from orchestration.landing.manifest import Place
from orchestration.publication.status import write_status
from orchestration.quality.salts import take_over_salts
from orchestration.replay.loads import found_nothing, record_alone, replay_load
from orchestration.replay.record import ALL, Record, write_decisions
from orchestration.runtime import Runtime
from orchestration.scripts.close.ledger import CLOSED, LoggedClose, list_closes
from orchestration.scripts.close.outcome import CloseRequest
from orchestration.scripts.close.publishing import close_and_publish
from orchestration.warehouse import apply
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.platform import platform_table

_NEVER = datetime.min.replace(tzinfo=UTC)
_ANOTHER = "A replay goes into an empty database, with a STRATA_HOME of its own."


@dataclass
class Replayed:
    """How much was done; ``otherwise`` says of each load what it did otherwise than the first time.

    ``recorded`` loads are in the ledger alone: a rebuild has undone them, or landing or contract are gone.
    """

    loads: int = 0
    recorded: int = 0
    builds: int = 0
    closes: int = 0
    otherwise: list[str] = field(default_factory=list)


def replay(runtime: Runtime, record: Record, build: Callable[[], None], on_step: Callable[[str], None]) -> Replayed:
    """Do what the record says and this warehouse has not done yet, in the record's order.

    ``build`` builds silver and gold of what changed, ``on_step`` is told what begins.

    Raises:
        SettingsError: landing, tenants or salts are not those of the record, or this warehouse has loads of its own.
        StrataError: a build or close failed; the next replay goes on there.
    """
    work = _Replay(runtime, record, build, on_step)
    work.prepare()
    for _, step in sorted(work.steps(), key=lambda found: found[0]):
        step()
    with runtime.warehouse.session("the end of a replay") as session:
        write_decisions(session, record)
        write_status(session, runtime)
    return work.done


@dataclass
class _Replay:
    runtime: Runtime
    record: Record
    build: Callable[[], None]
    on_step: Callable[[str], None]
    done: Replayed = field(default_factory=Replayed)
    _last: LoadResult | None = None
    _is_pending: bool = False

    def prepare(self) -> None:
        """Refuse what is not the record's world, and take over what is no load."""
        for fault in (fault for source in self.runtime.sources.values() for fault in source.all_faults):
            raise fault
        self._require_tenants()
        self._require_landing()
        with self.runtime.warehouse.session("the beginning of a replay") as session:
            apply.ensure(session, self._contracts.values())
            mine = ledger.all_loads(session)
            sql = f"SELECT max(up_to_seq) FROM {platform_table('build_log')} WHERE kind = ? AND status = ?"
            ((built,),) = session.execute(sql, ["warehouse", "succeeded"])
        self._last = mine[-1] if mine else None
        self._is_pending = any(load.changed for load in mine if load.seq > (built or 0))
        # Loads that changed nothing may have left either ledger since.
        telling = {load.load_id for load in mine if load.changed or load is self._last}
        if telling - {load.load_id for load in self.record.loads}:
            raise SettingsError("This warehouse has loads that the other home does not know.", _ANOTHER)
        take_over_salts(self.runtime, self.record.salts)

    def steps(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """Yield what is to do, each with the moment at which it was done first."""
        merged, known = self._merged(), self._closes_done()
        reached = _NEVER
        for load in self.record.loads:
            # In the order of their numbers, by which the next replay goes on: loads that were done side by side may
            # carry their instants in another one.
            reached = max(reached, _moment(load))
            if self._is_todo(load):
                yield reached, self._load_step(load, is_merged=load.load_id in merged)
        last = max((_moment(load) for load in self.record.loads if not self._is_todo(load)), default=_NEVER)
        for began in self.record.builds:
            if began > last:  # what was loaded after a build, was loaded here after the same build
                yield began, self._build_step(began)
        closes = (close for close in self.record.closes if close.as_of)
        for _, group in groupby(closes, lambda close: (close.build_id, close.as_of, close.reason, close.shown)):
            alike = list(group)
            who = f"replay of {alike[0].close_id}"
            if todo := [close for close in alike if (close.tenant, who) not in known]:
                yield todo[0].started_at, self._close_step(todo, who)

    def _closes_done(self) -> set[tuple[str, str]]:
        with self.runtime.warehouse.session("closes that are done") as session:
            return {(close.tenant, close.who) for close in list_closes(session, limit=ALL) if close.status == CLOSED}

    def _load_step(self, load: LoadResult, *, is_merged: bool) -> Callable[[], None]:
        def step() -> None:
            self._is_pending |= load.changed > 0
            contract = self._contracts.get((load.source, load.entity))
            if contract is None or not is_merged:
                record_alone(self.runtime, load)
                self.done.recorded += 1
                return
            self.on_step(f"load {load.seq}: {load.place.prefix.rstrip('/')}")
            if found_nothing(load):
                record_alone(self.runtime, load)
            elif otherwise := replay_load(self.runtime, contract, load):
                self.done.otherwise.append(otherwise)
            self.done.loads += 1

        return step

    def _build_step(self, began: datetime) -> Callable[[], None]:
        def step() -> None:
            if self._is_pending:  # a build that finds nothing new changes nothing
                self.on_step(f"build of {began:%Y-%m-%d %H:%M}")
                self.build()
                self._is_pending = False
                self.done.builds += 1

        return step

    def _close_step(self, closes: list[LoggedClose], who: str) -> Callable[[], None]:
        day, first, tenants = closes[0].as_of or date.min, closes[0], [close.tenant for close in closes]
        request = CloseRequest(day, tenants, first.reason, show_older=first.shown, who=who)

        def step() -> None:
            self.on_step(f"close of {day}")
            closing, _ = close_and_publish(self.runtime, request)
            if not closing.is_whole:
                faults = "; ".join(fault for closed in closing.tenants for fault in closed.faults)
                raise StrataError(f"The close of {day} failed here: {faults}", "Mend it and replay again.")
            self.done.closes += 1

        return step

    @property
    def _todo(self) -> list[LoadResult]:
        return [load for load in self.record.loads if self._is_todo(load)]

    def _is_todo(self, load: LoadResult) -> bool:
        return not self._last or load.seq > self._last.seq

    @property
    def _contracts(self) -> Mapping[tuple[str, str], Contract]:
        sources = self.runtime.sources.values()
        return {(source.name, item.entity): item for source in sources for item in source.contracts.values()}

    def _merged(self) -> set[str]:
        """Return the loads that made bronze what it is: no rebuild in place has undone them, and landing has them."""
        todo = {load.seq for load in self._todo}
        done = {load.place for load in self.record.loads if load.seq not in todo}
        by_place: dict[Place, list[LoadResult]] = {}
        for load in self._todo:
            by_place.setdefault(load.place, []).append(load)
            if load.requested == BACKFILL and load.place in done:
                message = f"{load.place.prefix.rstrip('/')} was brought back in time since the last replay."
                raise SettingsError(message, _ANOTHER)
        now, store = utc_now(), self.runtime.landing
        return {
            load.load_id for place, loads in by_place.items() for load in past_loads(store, place, loads, now).loads
        }

    def _require_tenants(self) -> None:
        unknown = sorted({load.tenant_id for load in self.record.loads} - set(self.runtime.tenants))
        if unknown:
            message = f"This home does not know the tenants {', '.join(unknown)}."
            raise SettingsError(message, "Give it the other's tenants.yaml, or a copy of its control/.")

    def _require_landing(self) -> None:
        last = next((load for load in reversed(self.record.loads) if load.landed_bytes), None)
        try:
            if last:
                read_manifest(self.runtime.landing, last.place, last.load_id)
        except FileNotFoundError:
            message = "The other home's last load is not in this home's landing."
            raise SettingsError(message, "Set STRATA_LANDING_URL=file:///…, the other's landing/.") from None


def _moment(load: LoadResult) -> datetime:
    return load.finished_at or load.started_at
