"""Where a review takes place: the scripts, the data, the tenant and the day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.business_day import business_day, own_days
from orchestration.failures import SettingsError
from orchestration.names import Table
from orchestration.plans import has_financial
from orchestration.quality.masking import known_contracts
from orchestration.quality.personal import personal_columns
from orchestration.runtime import Runtime
from orchestration.scripts.close import ledger
from orchestration.scripts.engine import Engine, engine_of
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.on_warehouse import TRIAL
from orchestration.scripts.source import FOLDER
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Stage:
    """A session of the warehouse in which scripts are tried, and its engine."""

    session: Session
    engine: Engine

    def closed(self, turn: Turn) -> dict[Table, dict[str, str]]:
        """Return the columns of each table of a tenant's close, if what readers see is as of the turn's day."""
        current = ledger.current(self.session, turn.tenant)
        if current is None or current[1] != turn.as_of:
            return {}
        return {item.table: dict(item.columns) for item in ledger.tables_of(self.session, current[0])}


@contextmanager
def stage(runtime: Runtime, purpose: str) -> Iterator[Stage]:
    """Open the warehouse; loads and builds wait meanwhile.

    Raises:
        Busy: somebody else held it for too long.
    """
    personal = personal_columns(known_contracts(runtime.sources.values()))
    with runtime.warehouse.session(purpose) as session:
        apply.ensure(session)
        yield Stage(session, engine_of(session, runtime.settings, personal, TRIAL))


def scripts_folder(runtime: Runtime) -> Path:
    """Return where the scripts of financial gold lie: from here, when that is below, as people name them."""
    folder, here = runtime.settings.scripts_dir / FOLDER, Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def turn(runtime: Runtime, tenant: str | None, as_of: date | None) -> Turn:
    """Return whose rows are read and as of which day: by default the only tenant's, and the newest business day.

    Raises:
        SettingsError: the tenant is unknown, or there are several and none is named.
    """
    if tenant is not None and tenant not in runtime.tenants:
        raise SettingsError(f"Tenant {tenant!r} is unknown.", "See: strata tenant list.")
    known = [name for name, item in runtime.tenants.items() if has_financial(item)]
    if tenant is None and len(known) != 1:
        raise SettingsError("A script sees one tenant's rows.", f"Name it: --tenant {' or '.join(known) or 'NAME'}.")
    name = tenant or known[0]
    return Turn(name, as_of or own_days(runtime).get(name) or business_day(runtime))
