"""Whether a tenant may be loaded, asked of the control plane as it is at that moment.

A load asks when it begins, between pages, and in its transaction just before the commit. So a
tenant that is suspended gets no commit whose check came after the suspension. What was checked
before it commits within the same hold of the warehouse's lock: who takes that lock once after
suspending (:func:`await_commits`) knows that nothing follows.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import cached_property

from orchestration.failures import FailureClass, StrataError
from orchestration.plans import IN_SERVICE
from orchestration.runtime import Runtime

_GONE = "removed"
_SECONDS_BETWEEN_PAGES = 0.5


class Stopped(StrataError):
    """The tenant was suspended, or is being removed: nothing is loaded for it."""

    failure_class = FailureClass.SUSPENDED


class Admission:
    """Answers for the tenants that the control plane knew when it was made; others are nobody's to suspend."""

    def __init__(self, runtime: Runtime) -> None:
        """Read how the tenants stand."""
        self._runtime = runtime
        self._known = self._states()
        self._asked: dict[str, float] = {}

    @cached_property
    def at_first(self) -> dict[str, str]:
        """Tenants that were not to be loaded from the beginning, and their state."""
        return {name: state for name, state in self._known.items() if state not in IN_SERVICE}

    def require(self, tenant: str) -> None:
        """Refuse a tenant that is not to be loaded any more.

        Raises:
            Stopped: says why.
        """
        self._asked[tenant] = time.monotonic()
        if tenant in self._known:
            self._refuse(tenant, self._state(tenant))

    def require_between_pages(self, tenant: str) -> None:
        """Do so, if it was not asked a moment ago."""
        if time.monotonic() - self._asked.get(tenant, 0.0) > _SECONDS_BETWEEN_PAGES:
            self.require(tenant)

    def stopped(self, tenants: Collection[str]) -> set[str]:
        """Return those of many tenants that are not to be loaded any more."""
        if not self._known:
            return set()
        now = self._states()
        return {name for name in tenants if name in self._known and now.get(name, _GONE) not in IN_SERVICE}

    def _refuse(self, tenant: str, state: str) -> None:
        if state not in IN_SERVICE:
            word = "being removed" if state == "removing" else state
            raise Stopped(f"Tenant {tenant} is {word}: its load was stopped.", remedy_for(tenant, state))

    def _state(self, tenant: str) -> str:
        from orchestration.control.registry import ABSENT, tenant_state  # noqa: PLC0415 - SQLAlchemy, for who needs it

        state = tenant_state(self._runtime.control, tenant)
        return _GONE if state == ABSENT else state

    def _states(self) -> dict[str, str]:
        """Return every tenant's state; nothing where no control plane was ever made."""
        settings = self._runtime.settings
        if settings.control_url is None and not settings.control_file.exists():
            return {}
        from orchestration.control.registry import tenant_states  # noqa: PLC0415 - as above

        return tenant_states(self._runtime.control)


def remedy_for(tenant: str, state: str) -> str:
    """Say what lets a tenant load again; nothing does for one that leaves."""
    if state in ("removing", _GONE):
        return "Nothing is to be done: no load of it begins any more."
    return f"strata tenant resume {tenant}."


def await_commits(runtime: Runtime) -> None:
    """Return when every load that was admitted before this call has committed or given up.

    Raises:
        Busy: a build or another writer held the warehouse for longer than the waiting limit.
    """
    with runtime.warehouse.exclusive("wait for loads that are committing"):
        return
