"""A scan: landed files of one form as a SQL source, with the judgement of every contract column on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.quality.rows.judgement import NO, Fault, Judgement, any_of, text_object


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
        return any_of(judgement.fault for judgement in self.judgements if judgement.fault != NO)

    @property
    def values(self) -> str:
        """The SQL of the typed columns, under their bronze names, for rows without a fault."""
        return ", ".join(f"{j.conversion.value} AS {names.quote(j.column.name)}" for j in self.judgements)

    def trusted(self, column: str) -> str:
        """Return the SQL of a column's typed value, NULL where it cannot be read."""
        return next(j.conversion.trusted for j in self.judgements if j.column.name == column)


def reject_columns(contract: Contract, scan: Scan) -> dict[str, str]:
    """Return the SQL of a reject row's columns, by name, in the order of the rejects table."""
    faults = [(judgement, fault) for judgement in scan.judgements for fault in judgement.faults]
    return {
        "file": _landing_key(scan),
        "row_number": scan.row_number,
        "key": _key(contract, scan),
        "cursor": scan.trusted(contract.cursor) if contract.cursor else "CAST(NULL AS TIMESTAMP)",
        "column_name": _first((fault, names.literal(judgement.column.name)) for judgement, fault in faults),
        "reason": _first((fault, names.literal(fault.reason)) for _, fault in faults),
        "raw_value": _first((fault, judgement.raw) for judgement, fault in faults),
        "raw_row": text_object((judgement.column.name, judgement.raw) for judgement in scan.judgements),
    }


def _landing_key(scan: Scan) -> str:
    if len(scan.keys) == 1:
        return names.literal(next(iter(scan.keys.values())))
    keys = ", ".join(f"{names.literal(path)}: {names.literal(key)}" for path, key in scan.keys.items())
    return f"MAP {{{keys}}}[{scan.file}]"


def _key(contract: Contract, scan: Scan) -> str:
    trusted = [(name, scan.trusted(name)) for name in contract.key]
    readable = " AND ".join(f"{value} IS NOT NULL" for _, value in trusted)
    return f"CASE WHEN {readable} THEN {text_object(trusted)} END"


def _first(cases: Iterable[tuple[Fault, str]]) -> str:
    """Return the value of the first fault that a row has."""
    whens = " ".join(f"WHEN {fault.condition} THEN {value}" for fault, value in cases)
    return f"CASE {whens} END" if whens else "NULL"
