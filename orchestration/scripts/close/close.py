"""Closes a day, tenant by tenant, in one session of the warehouse: nothing changes below the scripts meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration.control.actor import current_actor
from orchestration.failures import ScriptRefused, SettingsError, StrataError
from orchestration.landing.manifest import new_load_id
from orchestration.plans import has_financial
from orchestration.quality.masking import known_contracts, read_masking
from orchestration.quality.personal import personal_columns
from orchestration.scripts.cache import Cache
from orchestration.scripts.close import ledger
from orchestration.scripts.close.adoption import adopt
from orchestration.scripts.close.executing import Preparing
from orchestration.scripts.close.history import keep, show
from orchestration.scripts.close.ledger import CLOSED, FAILED, RUNNING, KeptTable, LoggedClose
from orchestration.scripts.close.outcome import Closed, CloseRequest, Closing
from orchestration.scripts.close.plan import Plan, read_plan
from orchestration.scripts.close.running import Surroundings, TenantRun
from orchestration.scripts.close.telling import tell, tell_of_files
from orchestration.scripts.engine import Engine, engine_of
from orchestration.scripts.execution import Turn
from orchestration.scripts.source import FOLDER
from orchestration.warehouse import apply
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.protocol import Session

if TYPE_CHECKING:
    from orchestration.runtime import Runtime

_CACHE = "translated-scripts.sqlite"


def close(runtime: Runtime, request: CloseRequest) -> Closing:
    """Close a day for every tenant whose plan has financial gold.

    A tenant's fault leaves its last close in place, and the others closed; callers decide to raise. What is
    shown then is to be published, which is the caller's too.

    Raises:
        SettingsError: a named tenant is unknown.
        Busy: somebody else held the warehouse for too long.
    """
    plan = read_plan(runtime.settings.scripts_dir / FOLDER)
    tenants = _chosen(runtime, request) if plan.scripts else []
    contracts = list(known_contracts(runtime.sources.values()))
    masking, cache = read_masking(contracts, runtime.settings.dbt_dir), Cache(runtime.settings.home / _CACHE)
    with runtime.warehouse.session(f"close of {request.as_of}") as session:
        apply.ensure(session)
        adopt(session)
        ledger.mark_interrupted(session)
        engine = engine_of(session, runtime.settings, personal_columns(contracts))
        around = Surroundings(Preparing(engine, cache), masking)
        try:
            found = [_TenantClose(session, plan, around, request.of(tenant), tenant).make() for tenant in tenants]
        finally:
            engine.clear()
        behind = tuple(item for item in ledger.left_behind(session) if item[0] in tenants)
        closing = Closing(plan, tuple(found), behind)
        with session.transaction():
            tell_of_files(session, closing)
    return closing


def _chosen(runtime: Runtime, request: CloseRequest) -> list[str]:
    named = sorted(runtime.tenants) if request.tenants is None else list(dict.fromkeys(request.tenants))
    for unknown in (name for name in named if name not in runtime.tenants):
        raise SettingsError(f"Tenant {unknown!r} is unknown.", "See: strata tenant list.")
    return [name for name in named if has_financial(runtime.tenants[name])]


@dataclass(frozen=True)
class _TenantClose:
    """One tenant's close."""

    session: Session
    plan: Plan
    around: Surroundings
    request: CloseRequest
    tenant: str

    def make(self) -> Closed:
        session, request, began = self.session, self.request, time.perf_counter()
        if not request.reason and ledger.is_closed(session, self.tenant, request.as_of):
            return Closed(self.tenant, request.as_of, "already closed")
        current = ledger.current(session, self.tenant)
        entry = self._entry(is_shown=request.show_older or not current or _is_newer(request, current[1]))
        ledger.begin(session, entry)
        last = {item.table: item.script for item in ledger.tables_of(session, current[0])} if current else {}
        with self._engine.turn(Turn(self.tenant, request.as_of)) as turn:
            scripts = TenantRun(session, self.plan, turn, self.around, last).outcomes()
            closed = Closed(self.tenant, request.as_of, "closed", entry.close_id, entry.shown, scripts)
            is_whole = all(item.passed for item in scripts)
            closed = replace(closed, fault=self._commit(closed, entry) if is_whole else "")
        if closed.fault or not is_whole:
            closed = replace(closed, status="failed", shown=False)
            self._give_up(closed, entry)
        return replace(closed, seconds=time.perf_counter() - began)

    @property
    def _engine(self) -> Engine:
        return self.around.preparing.engine

    def _entry(self, *, is_shown: bool) -> LoggedClose:
        request = self.request
        who = request.who or current_actor()
        return LoggedClose(
            new_load_id(), self.tenant, request.as_of, RUNNING, is_shown, request.reason, who, request.build_id,
            started_at=utc_now(), finished_at=None, message="",
        )  # fmt: skip

    def _commit(self, closed: Closed, entry: LoggedClose) -> str:
        """Keep the tables and move the pointer, all or nothing; returns why it was nothing."""
        done = replace(entry, status=CLOSED, finished_at=utc_now())
        try:
            if not any(item.rows for item in closed.scripts):
                raise ScriptRefused("No script can be run, so there is nothing to close.", "See: strata sql check.")
            with self.session.transaction():
                kept = list(self._keep(closed, done))
                ledger.finish(self.session, done, kept)
                if done.shown:
                    ledger.point(self.session, done)
                    for item in kept:
                        show(self.session, item.table, item.columns)
                tell(self.session, closed)
        except StrataError as error:
            return str(error)
        return ""

    def _keep(self, closed: Closed, entry: LoggedClose) -> Iterable[KeptTable]:
        for item in closed.scripts:
            for table, columns in item.columns.items():
                keep(self.session, entry, table, columns)
                yield KeptTable(table, item.script.name, columns, item.rows[table], item.seconds)

    def _give_up(self, closed: Closed, entry: LoggedClose) -> None:
        failed = replace(entry, status=FAILED, shown=False, finished_at=utc_now(), message="\n".join(closed.faults))
        with self.session.transaction():
            ledger.finish(self.session, failed)
            tell(self.session, closed)


def _is_newer(request: CloseRequest, seen: object) -> bool:
    """Say whether a day is no older than the one that readers see; of what was taken over, no day is known."""
    return seen is None or request.as_of.isoformat() >= str(seen)
