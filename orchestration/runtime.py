"""The composition root: what every command and every job works with, built once from the settings.

Nothing is opened here: the warehouse opens with a session, the landing with its
first file, a simulator with the first connection that asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import SourceSystem, find_sources
from orchestration.failures import SettingsError
from orchestration.landing.store import LandingStore, open_landing
from orchestration.settings import Settings, load_settings
from orchestration.tenants import Tenant, read_tenants
from orchestration.warehouse import Warehouse, open_warehouse


@dataclass(frozen=True)
class Runtime:
    """Settings, sources, tenants, warehouse and landing of one installation."""

    settings: Settings
    sources: Mapping[str, SourceSystem]
    tenants: Mapping[str, Tenant]
    warehouse: Warehouse
    landing: LandingStore

    def registered(self, source: str, tenants: Collection[str] | None = None) -> Iterator[Connection]:
        """Yield the tenants' connections to a source as they are registered; ``tenants`` narrows them.

        Raises:
            SettingsError: a named tenant is unknown.
        """
        for unknown in sorted(set(tenants or ()) - set(self.tenants)):
            raise SettingsError(f"Tenant {unknown!r} is unknown.", f"Known tenants: {', '.join(self.tenants)}.")
        for name, tenant in self.tenants.items():
            if tenants is None or name in tenants:
                yield from tenant.of_source(source)

    def connections(self, source: str, tenants: Collection[str] | None = None) -> Iterator[Connection]:
        """Yield connections that can be opened: the simulated ones with their simulator running."""
        for connection in self.registered(source, tenants):
            yield self.resolve(connection)

    def resolve(self, connection: Connection) -> Connection:
        """Return a connection that can be opened, starting its simulator when it is a simulated one."""
        if not connection.simulated:
            return connection
        from orchestration.simulators import resolve  # noqa: PLC0415 - servers are heavy; only who simulates pays

        return resolve(connection, self.settings)


def open_runtime(settings: Settings | None = None) -> Runtime:
    """Read settings, sources and tenants; open nothing."""
    settings = settings or load_settings()
    sources = find_sources(settings.sources_dir)
    return Runtime(
        settings=settings,
        sources=sources,
        tenants=read_tenants(settings.tenants_file, sources),
        warehouse=open_warehouse(settings),
        landing=open_landing(settings),
    )
