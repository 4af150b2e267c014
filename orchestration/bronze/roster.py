"""Whom a call loads: the tenants that are active, whose plan has such loads, and who are due.

A plan is read when a run begins: a feature that is switched for one tenant changes its next run.
Tenants that a person names are taken whatever features and schedules their plan has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from orchestration.bronze import ledger
from orchestration.bronze.admission import Admission, Stopped, remedy_for
from orchestration.bronze.ledger import LoadResult
from orchestration.contracts.extraction import Connection
from orchestration.contracts.model import Contract
from orchestration.contracts.source import Mode
from orchestration.failures import SettingsError, StrataError
from orchestration.landing.manifest import Place
from orchestration.plans import is_due, rows_per_day, rule_for
from orchestration.runtime import Runtime
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.turns import beside_others

OnLeftOut = Callable[[str, str], None]
"""Takes a tenant that was left out, and why."""


@dataclass
class Roster:
    """The connections to load, the tenants that are left out and why, and what stops the loads of single tenants."""

    connections: list[Connection] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    refused: dict[str, StrataError] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    read_today: dict[str, int] = field(default_factory=dict)

    def count(self, result: LoadResult) -> None:
        """Note the rows that a load has read."""
        if result.tenant_id in self.limits:
            self.read_today[result.tenant_id] = self.read_today.get(result.tenant_id, 0) + result.extracted

    def refusal(self, tenant: str) -> StrataError | None:
        """Return why a tenant's loads fail before they begin, if they do."""
        limit, read = self.limits.get(tenant), self.read_today.get(tenant, 0)
        if limit is None or read < limit:
            return self.refused.get(tenant)
        message = f"Tenant {tenant} has read {read:,} rows today; its plan allows {limit:,} (rows_per_day)."
        return SettingsError(message, "Its loads go on tomorrow, or on another plan: strata tenant plan.")


@dataclass(frozen=True)
class Muster:
    """Who is asked for: a source's contracts in one mode, by a schedule or by a person who may name tenants."""

    runtime: Runtime
    source: str
    mode: Mode
    contracts: Collection[Contract]
    admission: Admission
    tenants: Collection[str] | None = None
    scheduled: bool = False

    def call(self) -> Roster:
        """Say whom to load.

        Raises:
            SettingsError: a named tenant is unknown.
            Stopped: a named tenant is suspended.
        """
        roster, connections = Roster(), defaultdict(list)
        for connection in self.runtime.registered(self.source, self.tenants):
            connections[connection.tenant].append(connection)
        last = self._last_loads(connections)
        for name, own in connections.items():
            try:
                reason = self._absence(name, own, last)
                self._allow(roster, name)
            except SettingsError as error:
                reason, roster.refused[name] = "", error
            if reason:
                roster.left_out[name] = reason
            else:
                roster.connections += own
        if roster.limits:
            roster.read_today = self._read_today()
        return roster

    def _absence(self, name: str, own: list[Connection], last: Mapping[Place, datetime]) -> str:
        """Return why a tenant is left out; empty when it is not."""
        plan = self.runtime.tenants[name].plan
        if state := self.admission.at_first.get(name):
            if self.tenants:
                raise Stopped(f"Tenant {name} is {state}: nothing is loaded for it.", remedy_for(name, state))
            return f"it is {state}"
        if self.tenants:
            return ""
        if not plan.allows(self.mode):
            return f"its plan {plan.name!r} has no {self.mode} loads"
        rule = rule_for(plan, self.source, self.mode) if self.scheduled else None
        if rule is None:
            return ""
        times = [last.get(Place.of(connection, contract)) for connection in own for contract in self.contracts]
        known = [moment for moment in times if moment]
        oldest = min(known) if known and len(known) == len(times) else None
        due = is_due(rule, oldest, utc_now(), ZoneInfo(self.runtime.settings.timezone))
        return "" if due else f"its plan {plan.name!r} says {rule!r}, and it is loaded since"

    def _allow(self, roster: Roster, name: str) -> None:
        limit = rows_per_day(self.runtime.tenants[name].plan)
        if limit is not None:
            roster.limits[name] = limit

    def _last_loads(self, names: Collection[str]) -> Mapping[Place, datetime]:
        """Return when each place was last loaded, if a schedule of anybody's asks for it."""
        plans = [self.runtime.tenants[name].plan for name in names]
        if not self.scheduled or all(rule_for(plan, self.source, self.mode) is None for plan in plans):
            return {}
        return beside_others(
            self.runtime.warehouse,
            "who is due",
            lambda session: ledger.last_loads(session, self.source, daily=self.mode != "hourly"),
        )

    def _read_today(self) -> dict[str, int]:
        now = utc_now().astimezone(ZoneInfo(self.runtime.settings.timezone))
        with self.runtime.warehouse.reading("rows read today") as session:
            return ledger.rows_since(session, now.replace(hour=0, minute=0, second=0, microsecond=0))
