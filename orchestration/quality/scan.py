"""A scan: landed files of one form as a SQL source, with the judgement of every contract column on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.quality.judgement import Judgement, any_of, text_object


@dataclass(frozen=True)
class Scan:
    """``source`` goes after FROM; ``keys`` maps its local file paths to landing keys.

    ``file`` and ``row_number`` (from 1) are SQL expressions on the source.
    """

    source: str
    judgements: tuple[Judgement, ...]
    keys: Mapping[str, str]
    file: str
    row_number: str

    @property
    def fault(self) -> str:
        """The condition that makes a row a reject."""
        return any_of(fault.condition for judgement in self.judgements for fault in judgement.faults)

    def trusted(self, column: str) -> str:
        """Return the SQL of a column's typed value, NULL where it cannot be read."""
        return next(judgement.trusted for judgement in self.judgements if judgement.column.name == column)


def reject_columns(contract: Contract, scan: Scan) -> tuple[str, ...]:
    """Return the SQL of a reject row's columns, in the order of the rejects table."""
    keys = ", ".join(f"{names.literal(path)}: {names.literal(key)}" for path, key in scan.keys.items())
    faults = [(j, fault) for j in scan.judgements for fault in j.faults]
    return (
        f"MAP {{{keys}}}[{scan.file}]",
        scan.row_number,
        _key(contract, scan),
        scan.trusted(contract.cursor) if contract.cursor else "NULL",
        _first(((fault.condition, names.literal(j.column.name)) for j, fault in faults)),
        _first(((fault.condition, names.literal(fault.reason)) for _, fault in faults)),
        _first(((fault.condition, j.raw) for j, fault in faults)),
        text_object((j.column.name, j.raw) for j in scan.judgements),
    )


def _key(contract: Contract, scan: Scan) -> str:
    trusted = [(name, scan.trusted(name)) for name in contract.key]
    readable = " AND ".join(f"{value} IS NOT NULL" for _, value in trusted)
    return f"CASE WHEN {readable} THEN {text_object(trusted)} END"


def _first(cases: Iterable[tuple[str, str]]) -> str:
    return "CASE " + " ".join(f"WHEN {condition} THEN {value}" for condition, value in cases) + " END"
