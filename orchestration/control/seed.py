"""Takes into the control plane what ``tenants.yaml`` names and it never had.

The file is the beginning, not the truth: what a command changed or removed is
left alone. What only the file ever wrote follows the file's changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Table, select

from orchestration.contracts.source import SourceSystem
from orchestration.control import changes
from orchestration.control.database import Control, alone
from orchestration.control.installation import RemovedNames, fact, set_fact
from orchestration.control.tables import connection as connections
from orchestration.control.tables import tenant
from orchestration.control.tenants_file import TenantsFile, read_tenants_file
from orchestration.tenants import DEFAULT, Place

ACTOR = "seed: tenants.yaml"
ALONE = "seed: no tenants.yaml"
"""The actor that made the tenant ``default`` of a company that has no others."""

_FACT = "tenants_file"


def seed(control: Control, path: Path, sources: Mapping[str, SourceSystem]) -> None:
    """Add what the file names; nothing is done when it is as it was the last time.

    Raises:
        SettingsError: the file is wrong; names the place.
    """
    digest = _digest(path, sources)
    with control.reading() as connection:
        if fact(connection, _FACT) == digest:
            return
    file = read_tenants_file(path, sources) if path.exists() else None
    with control.transaction(ACTOR if file else ALONE) as connection:
        alone(connection, "seed")
        removed = RemovedNames(connection)
        if file:
            _add(connection, file, removed)
        elif connection.execute(select(tenant.c.tenant_id)).first() is None and DEFAULT not in removed:
            _put(connection, tenant, {"tenant_id": DEFAULT}, {"title": DEFAULT}, {"state": "active"})
        set_fact(connection, _FACT, digest)


def _digest(path: Path, sources: Mapping[str, SourceSystem]) -> str:
    content = path.read_bytes() if path.exists() else b"absent"
    return sha256(content + "\n".join(sorted(sources)).encode()).hexdigest()


def _add(connection: Connection, file: TenantsFile, removed: RemovedNames) -> None:
    gone = {name for name in file.titles if name in removed}
    for name, title in file.titles.items():
        if name not in gone:
            _put(connection, tenant, {"tenant_id": name}, {"title": title}, {"state": "active"})
    for place, simulated in file.connections.items():
        if place[0] not in gone:
            _put(connection, connections, _key(place), {"simulated": simulated}, {})


def _key(place: Place) -> dict[str, str]:
    return dict(zip(("tenant_id", "source", "instance"), place, strict=True))


def _put(
    connection: Connection,
    table: Table,
    key: Mapping[str, str],
    followed: Mapping[str, object],
    first: Mapping[str, object],
) -> None:
    """Add a row, or let one that no command touched follow the file."""
    condition = [table.c[name] == value for name, value in key.items()]
    found = connection.execute(select(table.c.updated_by, table.c.deleted_at).where(*condition)).one_or_none()
    if found is None:
        changes.insert(connection, table, {**key, **followed, **first})
    elif found.updated_by == ACTOR and found.deleted_at is None:
        changes.update(connection, table, key, followed)
