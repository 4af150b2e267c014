"""Tells what changed at the source against the contract, to the letter.

A new column is loaded as a nullable one or held back, as the contract says; a
column that is gone or no longer fits its type stops this entity alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.contracts.model import Additions, Column, Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import SchemaDrift


@dataclass(frozen=True)
class Drift:
    """Columns the source grew: those to load as new nullable columns, and those held back (source names)."""

    added: tuple[Column, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Say it for the ledger; empty when nothing drifted."""
        parts = []
        if self.added:
            listed = ", ".join(f"{column.source_name} ({column.type})" for column in self.added)
            parts.append(f"Column added at the source and loaded: {listed}.")
        if self.held:
            parts.append(f"Column added at the source and held back by the contract: {', '.join(self.held)}.")
        return " ".join(parts)


def find_drift(contract: Contract, described: Mapping[str, ColumnType]) -> Drift:
    """Compare a contract with the source's columns by source name; nothing described means nothing to compare.

    Raises:
        SchemaDrift: columns are gone or retyped; names each with both types.
    """
    if not described:
        return Drift()
    breaks = [*_removed(contract, described), *_retyped(contract, described)]
    if breaks:
        message = f"{contract.source}/{contract.entity}: the source no longer fits the contract: {'; '.join(breaks)}."
        remedy = f"Edit contracts/{contract.entity}.yaml to what the source has now, then load with --mode init."
        raise SchemaDrift(message, remedy)
    new = sorted(set(described) - {column.source_name for column in contract.columns})
    if contract.additions is Additions.HOLD:
        return Drift(held=tuple(new))
    return Drift(added=_additions(contract, {name: described[name] for name in new}))


def _removed(contract: Contract, described: Mapping[str, ColumnType]) -> list[str]:
    return [f"column {c.source_name} is gone" for c in contract.columns if c.source_name not in described]


def _retyped(contract: Contract, described: Mapping[str, ColumnType]) -> list[str]:
    return [
        f"column {c.source_name} is now {described[c.source_name]}, the contract says {c.type}"
        for c in contract.columns
        if c.source_name in described and not c.type.holds(described[c.source_name])
    ]


def _additions(contract: Contract, new: Mapping[str, ColumnType]) -> tuple[Column, ...]:
    taken = {column.name for column in contract.columns}
    columns = []
    for source_name, kind in new.items():
        name = _free_name(_snake_case(source_name), taken)
        taken.add(name)
        columns.append(Column(name=name, source_name=source_name, type=kind, added=True))
    return tuple(columns)


def _snake_case(name: str) -> str:
    """Turn ``AnnualRevenue`` into ``annual_revenue``; a leading underscore is the platform's alone."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    plain = re.sub(r"[^a-z0-9_]", "_", spaced.lower()).lstrip("_")
    return plain if plain[:1].isalpha() else f"column_{plain}"


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
