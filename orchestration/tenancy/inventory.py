"""What is where of a tenant, everywhere: asked before a removal for its report, and after it as the proof."""

from __future__ import annotations

from orchestration import names
from orchestration.contracts.extraction import Connection
from orchestration.control import tables
from orchestration.runtime import Runtime
from orchestration.simulators import has_data
from orchestration.tenancy import versions
from orchestration.tenancy.belongings import Found, find_rows
from orchestration.tenancy.leftovers import find_leftovers
from orchestration.tenancy.mentions import find_mentions
from orchestration.tenancy.registry_rows import count_rows, rows_of
from orchestration.warehouse import apply


def take_inventory(runtime: Runtime, tenant: str) -> list[Found]:
    """Return everything there is of a tenant, the control plane's rows left out."""
    found = [*_landing(runtime, tenant), *_warehouse(runtime, tenant), *_simulation(runtime, tenant)]
    if files := len(find_leftovers(runtime.settings, tenant)):
        found.append(Found("home", "locks and logs", "files", files))
    return found


def control_rows(runtime: Runtime, tenant: str) -> list[Found]:
    """Return the tenant's rows in the control plane."""
    rows = count_rows(runtime.control, tenant)
    return [Found("control plane", name, "rows", number) for name, number in sorted(rows.items()) if number]


def _landing(runtime: Runtime, tenant: str) -> list[Found]:
    files = sum(1 for _ in runtime.landing.keys(f"{tenant}/"))
    return [Found("landing", f"{tenant}/", "files", files)] if files else []


def _warehouse(runtime: Runtime, tenant: str) -> list[Found]:
    condition = f"{names.TENANT} = {names.literal(tenant)}"
    # Locks keep the purpose of who held them last: it names nobody.
    with runtime.warehouse.session("inventory of a tenant") as session:
        apply.ensure(session)
        found = list(find_rows(session, tenant))
        if texts := find_mentions(session, tenant):
            found.append(Found("warehouse", "alerts, builds and verdicts that name it", "texts", texts))
        for file in versions.version_files(session, runtime.settings):
            if rows := versions.count(session, file, condition):
                name = f"{'.'.join(file.table)} {file.path.stem}"
                found.append(Found("published", name, "rows", rows))
    return found


def _simulation(runtime: Runtime, tenant: str) -> list[Found]:
    found = [item for item in connections_of(runtime, tenant) if has_data(item, runtime.settings)]
    return [Found("simulation", connection.label, "databases", 1) for connection in found]


def connections_of(runtime: Runtime, tenant: str) -> list[Connection]:
    """Return a tenant's connections, those that were deleted or come from the environment too; without settings."""
    with runtime.control.reading() as connection:
        stored = {(row["source"], row["instance"]) for row in rows_of(connection, tables.connection, tenant)}
    known = runtime.tenants.get(tenant)
    stored |= {(item.source, item.instance) for item in (known.connections if known else ())}
    return [Connection(tenant, source, instance) for source, instance in sorted(stored) if source in runtime.sources]
