"""What tables after bronze know a person by: their records' keys, and personal values that only they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from orchestration import names
from orchestration.bronze.erased import Key, key_of
from orchestration.contracts.model import Contract
from orchestration.landing.forgetting import Row
from orchestration.landing.manifest import Place
from orchestration.names import Table
from orchestration.tenancy.belongings import tables
from orchestration.warehouse.protocol import Session

Person = dict[Place, dict[Key, list[Row]]]
"""What is known of a person: by place and key, every version of the row that bronze or landing has."""


@dataclass
class Traces:
    """What stands for a person in tables made from one entity.

    ``keys`` name a record of theirs, exactly as silver writes it: only beside the entity they mean one record, since
    all entities of a connection count their ids from one. ``values`` are personal, in lower case, with their digests.
    """

    keys: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)


def find_traces(
    session: Session, personal: Iterable[Contract], contracts: Iterable[Contract], person: Person, salt: str
) -> dict[Table, Traces]:
    """Return a person's traces by their entity's bronze table; others' values are looked for in all ``personal``."""
    traces: dict[Table, Traces] = {}
    by_table = {(contract.source, contract.entity): contract for contract in contracts}
    others = _Others(session, list(personal), person)
    for place, rows in person.items():
        contract = by_table[place.source, place.entity]
        mine = traces.setdefault(contract.table, Traces())
        mine.keys |= {"|".join((place.source, place.connection, *key)) for key in rows}
        columns = [column.name for column in contract.columns if column.pii]
        found = {_normal(row.get(name)) for versions in rows.values() for row in versions for name in columns} - {""}
        own = found - others.have(place.tenant, found)
        mine.values |= own | {sha256((salt + value).encode()).hexdigest() for value in own}
    return traces


def _normal(value: object) -> str:
    return "" if value is None else str(value).strip().lower()


@dataclass
class _Others:
    """Everybody else's personal values: a first name says nothing of whose row it is."""

    session: Session
    contracts: Sequence[Contract]
    person: Person

    def have(self, tenant: str, values: set[str]) -> set[str]:
        """Return those of the values that a record which is not the person's has too, in any entity."""
        there = {relation.table for relation in tables(self.session)}
        loaded = [contract for contract in self.contracts if contract.table in there and values]
        return {value for contract in loaded for value in self._of(contract, tenant, values)}

    def _of(self, contract: Contract, tenant: str, values: set[str]) -> Iterator[str]:
        present = self.session.columns(contract.table)
        personal = [column.name for column in contract.columns if column.pii and column.name in present]
        columns = list(dict.fromkeys([*names.PLATFORM_KEY, *contract.key, *personal]))
        with self.session.working_copy(contract.table, f"{names.TENANT} = ?", [tenant], columns=columns):
            yield from self._in(contract, personal, tenant, values)

    def _in(self, contract: Contract, personal: Iterable[str], tenant: str, values: set[str]) -> Iterator[str]:
        key = ", ".join(f"CAST({names.quote(name)} AS VARCHAR)" for name in contract.key)
        marks = ", ".join("?" * len(values))
        for name in personal:
            text = f"lower(trim(CAST({names.quote(name)} AS VARCHAR)))"
            rows = self.session.execute(
                f"SELECT DISTINCT {text}, {names.quote(names.CONNECTION)}, {key} "
                f"FROM {names.qualified(contract.table)} WHERE {names.TENANT} = ? AND {text} IN ({marks})",
                [tenant, *sorted(values)],
            )
            for value, connection, *parts in rows:
                place = Place(tenant, contract.source, str(connection), contract.entity)
                record = key_of(contract, dict(zip(contract.key, parts, strict=True)))
                if record not in self.person.get(place, {}):
                    yield str(value)
