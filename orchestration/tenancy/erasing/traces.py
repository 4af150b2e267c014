"""What tables after bronze know a person by: their records' keys, and personal values that only they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from orchestration import names
from orchestration.bronze.erased import Key
from orchestration.contracts.model import Column, Contract
from orchestration.landing.forgetting import Row
from orchestration.landing.manifest import Place
from orchestration.warehouse.protocol import Session

Person = dict[Place, dict[Key, list[Row]]]
"""What is known of a person: by place and key, every version of the row that bronze or landing has."""


@dataclass
class Traces:
    """Texts to look for, in lower case; ``keys`` name a record of theirs, ``values`` are personal ones."""

    keys: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)

    @property
    def all(self) -> list[str]:
        """Every text, sorted."""
        return sorted(self.keys | self.values)


def find_traces(session: Session, contracts: Iterable[Contract], person: Person, salt: str) -> Traces:
    """Return what stands for a person in silver and after it: record keys, values, and their digests."""
    traces = Traces()
    by_table = {(contract.source, contract.entity): contract for contract in contracts}
    for place, rows in person.items():
        contract = by_table[place.source, place.entity]
        traces.keys |= {"|".join((place.source, place.connection, *key)).lower() for key in rows}
        for column in (column for column in contract.columns if column.pii):
            found = {_normal(row.get(column.name)) for versions in rows.values() for row in versions} - {""}
            own = found - _shared(session, contract, column, place, values=found, keys=set(rows))
            traces.values |= own | {sha256((salt + value).encode()).hexdigest() for value in own}
    return traces


def _normal(value: object) -> str:
    return "" if value is None else str(value).strip().lower()


def _shared(
    session: Session, contract: Contract, column: Column, place: Place, *, values: set[str], keys: set[Key]
) -> set[str]:
    """Return the values that rows of others have too: a first name says nothing of whose row it is."""
    if not values:
        return set()
    text = f"lower(trim(CAST({names.quote(column.name)} AS VARCHAR)))"
    key = ", ".join(f"CAST({names.quote(name)} AS VARCHAR)" for name in contract.key)
    marks = ", ".join("?" * len(values))
    rows = session.execute(
        f"SELECT DISTINCT {text}, {key} FROM {names.qualified(contract.table)} "
        f"WHERE {names.TENANT} = ? AND {text} IN ({marks})",
        [place.tenant, *sorted(values)],
    )
    return {value for value, *other in rows if tuple(other) not in keys}
