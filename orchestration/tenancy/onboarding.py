"""Takes a tenant on board in steps that are remembered: the same command again goes on where it was broken off.

Every step may be done twice: what is there already is left as it is. The tenant is ``active``
when all are done; until then its state is ``onboarding``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.bronze.load import load_source
from orchestration.bronze.progress import OnProgress
from orchestration.contracts.source import find_sources
from orchestration.control import open_control
from orchestration.control.actor import current_actor
from orchestration.control.registry import ABSENT, tenant_state
from orchestration.control.seed import seed
from orchestration.failures import FailureClass, SettingsError, StrataError
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from orchestration.tenancy.first_key import replace_first_key
from orchestration.tenancy.leftovers import remove_own_lock
from orchestration.tenancy.registration import register
from orchestration.tenancy.registry_rows import Row, require_tenant
from orchestration.tenancy.states import ACTIVE, ONBOARDING, remember
from orchestration.tenancy.wish import Wish
from orchestration.warehouse import apply
from orchestration.warehouse.lock import held

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Onboarded:
    """A tenant on board: what this call loaded, and its API key, which nobody can show again."""

    tenant: Row
    loads: tuple[LoadResult, ...]
    api_key: str


def onboard(
    settings: Settings,
    wish: Wish,
    *,
    reuse_name: bool = False,
    on_step: OnStep = lambda _: None,
    on_progress: OnProgress | None = None,
) -> Onboarded:
    """Take a tenant on board, or go on with one whose onboarding was broken off.

    Raises:
        SettingsError: the wish cannot be fulfilled; nothing was written.
        StrataError: a first load failed; the tenant stays ``onboarding`` and the same call goes on from there.
        Busy: another process takes the same tenant on board.
    """
    lock = settings.locks_dir / f"tenant-{wish.name}.lock"
    with held(lock, f"take {wish.name} on board", settings.lock_wait_seconds):
        sources = find_sources(settings.sources_dir)
        control = open_control(settings)
        seed(control, settings.tenants_file, sources)
        on_step("control plane")
        try:
            row = register(control, wish, sources, reuse_name=reuse_name)
        except SettingsError:
            if tenant_state(control, wish.name) == ABSENT:
                remove_own_lock(settings, wish.name)
            raise
        return _Boarding(open_runtime(settings), wish, row, on_step, on_progress).finish()


@dataclass
class _Boarding:
    """A tenant on its way, from the first step that is not done."""

    runtime: Runtime
    wish: Wish
    row: Row
    on_step: OnStep
    on_progress: OnProgress | None
    loads: tuple[LoadResult, ...] = ()

    def finish(self) -> Onboarded:
        done: list[str] = list(self.row["onboarding"]["done"])
        for name, step in self.steps():
            if name not in done:
                self.on_step(name)
                step()
                done.append(name)
                self._remember(ONBOARDING, done)
        # Made last and told at once: a key made earlier would be lost with a process that dies before it is shown.
        self.on_step("API key")
        key = replace_first_key(self.runtime, self.wish.name)
        self._remember(ACTIVE, done)
        return Onboarded(require_tenant(self.runtime.control, self.wish.name), self.loads, key)

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the steps between registration and the key, in their order."""
        loads = [(f"first load of {name}", lambda name=name: self._load(name)) for name in self._sources()]
        return [
            ("landing", self._make_landing),
            ("warehouse", self._apply_contracts),
            *(loads if self.wish.first_load else []),
        ]

    def _sources(self) -> list[str]:
        return sorted({item.source for item in self.wish.connections})

    def _make_landing(self) -> None:
        self.runtime.landing.make(f"{self.wish.name}/")

    def _apply_contracts(self) -> None:
        contracts = [item for name in self._sources() for item in self.runtime.sources[name].contracts.values()]
        with self.runtime.warehouse.session("warehouse of a new tenant") as session:
            apply.ensure(session, contracts)

    def _load(self, source: str) -> None:
        results = load_source(
            self.runtime,
            self.runtime.sources[source],
            "daily",
            tenants=[self.wish.name],
            who=current_actor(),
            # Under one run's id what was loaded before a crash is not loaded again.
            run_id=f"onboarding-{self.row['created_at']:%Y%m%dT%H%M%S%f}",
            on_progress=self.on_progress,
        )
        self.loads += tuple(results)
        if failed := [result for result in results if result.status == FAILED]:
            raise _told(failed)

    def _remember(self, state: str, done: Collection[str]) -> None:
        remember(self.runtime.control, self.wish.name, state, {"asked": self.wish.document, "done": list(done)})


def _told(failed: list[LoadResult]) -> StrataError:
    """Return the failure of the first loads as one error, of the first one's class."""
    first = failed[0]
    more = f" ({len(failed) - 1} more entities failed)" if len(failed) > 1 else ""
    error = StrataError(
        f"The first load of {first.source}/{first.entity} failed: {first.message}{more}.",
        f"Mend it and give the same command again: it goes on from here. {first.tenant_id!r} is not active yet.",
    )
    error.failure_class = FailureClass(first.failure_class or FailureClass.PERMANENT)
    return error
