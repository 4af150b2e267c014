"""The rejects table: one row for each landed row that breaks its contract."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.quality.rows.judgement import NEVER, Judgement, text_object
from orchestration.quality.rows.scan import Scan

REJECTS = "rejects"
COLUMNS = {
    "file": "VARCHAR",
    "row_number": "BIGINT",
    "key": "VARCHAR",
    "cursor": "TIMESTAMP",
    "column_name": "VARCHAR",
    "reason": "VARCHAR",
    "raw_value": "VARCHAR",
    "raw_row": "VARCHAR",
}
_FIELDS = ", ".join(f"{names.quote(name)} {kind}" for name, kind in COLUMNS.items())
REJECT_TYPE = f"STRUCT({_FIELDS})"


def create_rejects(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {REJECTS} ({_FIELDS})")


def reject_select(contract: Contract, scan: Scan) -> str:
    """Return the query of a scan's rejects."""
    return f"SELECT {', '.join(_values(contract, scan).values())} FROM {scan.source} WHERE {scan.fault}"


def reject_value(contract: Contract, scan: Scan) -> str:
    """Return the SQL of a row's reject as one value of :data:`REJECT_TYPE`, NULL for a good row."""
    members = ", ".join(f"{names.quote(name)} := {value}" for name, value in _values(contract, scan).items())
    return f"CASE WHEN {scan.fault} THEN struct_pack({members}) END"


def _values(contract: Contract, scan: Scan) -> dict[str, str]:
    faulty = [judgement for judgement in scan.judgements if judgement.fault != NEVER]
    return {
        "file": scan.file,
        "row_number": scan.row_number,
        "key": _key(contract, scan),
        "cursor": scan.trusted(contract.cursor) if contract.cursor else "CAST(NULL AS TIMESTAMP)",
        "column_name": _first(scan, "_column", ((j, names.literal(j.column.name)) for j in faulty)),
        "reason": _first(scan, "_fault", ((j, j.why) for j in faulty)),
        "raw_value": _first(scan, "_raw", ((j, j.raw) for j in faulty)),
        "raw_row": _raw_row(scan),
    }


def _raw_row(scan: Scan) -> str:
    row = text_object((judgement.column.name, judgement.raw) for judgement in scan.judgements)
    if scan.preset == NEVER:
        return row
    # A line that could not be taken apart has no columns, only itself.
    return f"CASE WHEN _fault IS NOT NULL AND _column IS NULL THEN {text_object([('_line', '_raw')])} ELSE {row} END"


def _key(contract: Contract, scan: Scan) -> str:
    trusted = [(name, scan.trusted(name)) for name in contract.key]
    readable = " AND ".join(f"{value} IS NOT NULL" for _, value in trusted)
    return f"CASE WHEN {readable} THEN {text_object(trusted)} END"


def _first(scan: Scan, told: str, cases: Iterable[tuple[Judgement, str]]) -> str:
    """Return the value of the first column that has a fault; what a reader told already comes before all."""
    whens = [f"WHEN {judgement.fault} THEN {value}" for judgement, value in cases]
    if scan.preset != NEVER:
        whens.insert(0, f"WHEN {scan.preset} THEN {told}")
    return f"CASE {' '.join(whens)} END" if whens else "NULL"
