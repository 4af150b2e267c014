"""The composition root: what every command and every job works with, built once from the settings.

The control plane is read here, for it says who the tenants are. Nothing else is opened:
the warehouse opens with a session, the landing with its first file, a simulator with
the first connection that asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orchestration import metering, telemetry
from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import SourceSystem, find_sources
from orchestration.failures import SettingsError
from orchestration.landing.store import LandingStore, open_landing
from orchestration.settings import Settings, load_settings
from orchestration.tenants import Tenant, require_settings
from orchestration.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from orchestration.control import Control


@dataclass(frozen=True)
class Runtime:
    """Settings, sources, tenants, warehouse and landing of one installation."""

    settings: Settings
    sources: Mapping[str, SourceSystem]
    tenants: Mapping[str, Tenant]
    warehouse: Warehouse
    landing: LandingStore

    @cached_property
    def control(self) -> Control:
        """The control plane of the settings; opened by its first transaction."""
        from orchestration.control import open_control  # noqa: PLC0415 - SQLAlchemy, for who needs it

        return open_control(self.settings)

    def registered(self, source: str, tenants: Collection[str] | None = None) -> Iterator[Connection]:
        """Yield the tenants' connections to a source as they are registered; ``tenants`` narrows them.

        Raises:
            SettingsError: a named tenant is unknown.
        """
        for unknown in sorted(set(tenants or ()) - set(self.tenants)):
            # The others' names are not for everybody who may see this message.
            raise SettingsError(f"Tenant {unknown!r} is unknown.", "See: strata tenant list.")
        for name, tenant in self.tenants.items():
            if tenants is None or name in tenants:
                yield from tenant.of_source(source)

    def connections(self, source: str, tenants: Collection[str] | None = None) -> Iterator[Connection]:
        """Yield connections that can be opened: the simulated ones with their simulator running."""
        for connection in self.registered(source, tenants):
            yield self.resolve(connection)

    def resolve(self, connection: Connection) -> Connection:
        """Return a connection that can be opened, starting its simulator when it is a simulated one.

        Raises:
            SettingsError: the connection lacks a setting that its source requires.
        """
        if connection.source in self.sources:
            require_settings(connection, self.sources[connection.source])
        if not connection.simulated:
            return connection
        from orchestration.simulators import resolve  # noqa: PLC0415 - servers are heavy; only who simulates pays

        return resolve(connection, self.settings)


def open_runtime(settings: Settings | None = None) -> Runtime:
    """Read settings and sources, and from the control plane the tenants; open nothing else."""
    from orchestration.control.registry import registered_tenants  # noqa: PLC0415 - a code location loads without it

    settings = settings or load_settings()
    telemetry.start(settings)
    metering.start(settings)
    settings.make_home()
    sources = find_sources(settings.sources_dir)
    return Runtime(
        settings=settings,
        sources=sources,
        tenants=registered_tenants(settings, sources),
        warehouse=open_warehouse(settings),
        landing=open_landing(settings),
    )
