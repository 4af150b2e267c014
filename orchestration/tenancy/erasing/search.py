"""Finds a person's rows in landing, bronze and quarantine: by key, by value, and by what was erased before.

A broken-off erasure has written its digests first, so that the same search finds the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from orchestration import names
from orchestration.bronze.erased import digests_of, key_digest, key_of
from orchestration.bronze.rejects import QUARANTINE
from orchestration.contracts.model import Contract
from orchestration.landing.forgetting import Row, rows_of
from orchestration.landing.history import committed_loads
from orchestration.landing.manifest import Place
from orchestration.names import BRONZE_PREFIX, Table
from orchestration.runtime import Runtime
from orchestration.tenancy.belongings import tables
from orchestration.tenancy.erasing.traces import Person
from orchestration.tenancy.erasing.wanted import Wanted
from orchestration.warehouse.duckdb import beside
from orchestration.warehouse.protocol import Session

_AT_ONCE = 50_000
_PLACE = f"{names.TENANT} = ? AND {names.CONNECTION} = ?"


@dataclass
class Search:
    """One person in the entities of a tenant; ``digests`` grow with what is found."""

    runtime: Runtime
    wanted: Wanted
    salt: str
    digests: dict[Place, set[str]] = field(default_factory=dict)
    person: Person = field(default_factory=dict)

    def is_theirs(self, contract: Contract, place: Place, row: Row) -> bool:
        """Say whether a row is the person's."""
        key = key_of(contract, row)
        known = self.digests.get(place, set())
        if key is not None and (key == self.wanted.key or key_digest(contract, self.salt, key) in known):
            return True
        return self.wanted.has_value(contract, row)

    def look(self, session: Session, places: Sequence[tuple[Contract, Place]]) -> None:
        """Collect what there is of the person; a second look finds older rows of keys that the first one learnt."""
        for _, place in places:
            self.digests[place] = digests_of(session, place)
        for _ in range(2 if self.wanted.value else 1):
            for contract, place in places:
                for row in (*self._landed(contract, place), *self._bronze(session, contract, place)):
                    self._take(contract, place, row)

    def _take(self, contract: Contract, place: Place, row: Row) -> None:
        key = key_of(contract, row)
        if key is None or not self.is_theirs(contract, place, row):
            return
        self.digests[place].add(key_digest(contract, self.salt, key))
        versions = self.person.setdefault(place, {}).setdefault(key, [])
        if row not in versions:
            versions.append(row)

    def _landed(self, contract: Contract, place: Place) -> Iterator[Row]:
        store = self.runtime.landing
        for manifest in committed_loads(store, place):
            yield from (row for row in rows_of(store, manifest, columns_of(contract)) if "" not in row)
            store.release(place.load_prefix(manifest.load_id))

    def _bronze(self, session: Session, contract: Contract, place: Place) -> Iterator[Row]:
        for table in bronze_tables(session, contract):
            with bronze_copy(session, table, contract, place):
                for _, row in bronze_rows(session, table, contract, place):
                    yield row


def columns_of(contract: Contract) -> list[str]:
    """Return the names of the columns that tell whose row it is, or are personal."""
    return [column.name for column in contract.columns if column.name in contract.key or column.pii]


def bronze_tables(session: Session, contract: Contract) -> list[Table]:
    """Return an entity's bronze table and those that a backfill made beside it."""
    schemas = {f"{BRONZE_PREFIX}{contract.source}{tail}" for tail in ("", "_asof", "_rebuild")}
    return [item.table for item in tables(session) if item.table[0] in schemas and item.table[1] == contract.entity]


def bronze_copy(
    session: Session, table: Table, contract: Contract, place: Place, *, to_delete: bool = False
) -> AbstractContextManager[None]:
    """Have at hand what tells whose a place's rows are; ``to_delete`` takes rows out of the table too."""
    present = session.columns(table)
    key = [*names.PLATFORM_KEY, *(name for name in contract.key if name in present)]
    columns = list(dict.fromkeys([*key, *(name for name in columns_of(contract) if name in present)]))
    return session.working_copy(
        table, _PLACE, [place.tenant, place.connection], key=key if to_delete else (), columns=columns
    )


def bronze_rows(session: Session, table: Table, contract: Contract, place: Place) -> Iterator[tuple[int, Row]]:
    """Yield a place's rows of a :func:`bronze_copy` with their row ids; only the columns of :func:`columns_of`."""
    present = session.columns(table)
    columns = [name for name in columns_of(contract) if name in present]
    listed = ", ".join(f"CAST({names.quote(name)} AS VARCHAR)" for name in columns)
    found = beside(session.con).execute(
        f"SELECT rowid, {listed} FROM {names.qualified(table)} WHERE {_PLACE}",
        [place.tenant, place.connection],
    )
    while rows := found.fetchmany(_AT_ONCE):
        for rowid, *values in rows:
            yield int(rowid), dict(zip(columns, values, strict=True))


def quarantined(session: Session, contract: Contract, place: Place, search: Search) -> list[str]:
    """Return the ids of a place's quarantine entries that are the person's."""
    rows = session.execute(
        f"SELECT quarantine_id, key, raw_row FROM {QUARANTINE} "
        "WHERE tenant_id = ? AND connection = ? AND source = ? AND entity = ?",
        [place.tenant, place.connection, place.source, place.entity],
    )
    return [str(entry) for entry, key, raw in rows if search.is_theirs(contract, place, _raw(key, raw))]


def _raw(key: str | None, raw: str) -> Row:
    """Return an entry's values by bronze name; a line that could not be taken apart is one text."""
    row = json.loads(raw)
    return {"": row["_line"]} if "_line" in row else {**row, **(json.loads(key) if key else {})}
