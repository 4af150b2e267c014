"""What sources have that their contracts do not name: a line for each entity, whatever the number of tenants.

The ledger notes it as the message of a load that went well; this is where a person reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orchestration.publication.status import EntityStatus
from orchestration.shortened import few

SHOWN = 3
"""Tenants or entities that are named of many."""


class Noted(NamedTuple):
    """One load: what it loaded, for whom, how it was asked for and ended, and what the ledger notes of it."""

    source: str
    entity: str
    tenant: str
    requested: str
    status: str
    message: str


class Drifted(NamedTuple):
    """An entity (``product/invoice``), whose tenants' source has what its contract lacks, and what to do about it."""

    entity: str
    note: str
    remedy: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.entity}: {self.note} {self.remedy}"


def drifted(loads: Iterable[Noted]) -> list[Drifted]:
    """Return what drifted, alike for many tenants once; nothing where source and contract agree."""
    tenants: dict[tuple[str, str, str], dict[str, None]] = {}
    for load in loads:
        # What a backfill notes is which loads it was made of.
        if load.message and load.status == "loaded" and load.requested != "backfill":
            tenants.setdefault((load.source, load.entity, load.message), {})[load.tenant] = None
    return [
        Drifted(f"{source}/{entity} of {few(list(of), SHOWN)}", note, _remedy(entity))
        for (source, entity, note), of in tenants.items()
    ]


def drifted_by_now(entities: Iterable[EntityStatus]) -> list[Drifted]:
    """Return what the last load of each entity and connection noted."""
    return drifted(Noted(i.source, i.entity, i.tenant, i.requested, i.status, i.message) for i in entities)


def _remedy(entity: str) -> str:
    return f"contracts/{entity}.yaml does not name it: write it there if models, rules or masking are to go by it."
