"""The row gate: what landed against what the contract promises, set by set, on DuckDB.

Good rows come out as the contract's columns in its types; a row that breaks the
contract comes out as a reject, with file, row, column, reason and its raw values.
Nothing is rounded, cut or guessed on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.failures import ContractViolated
from orchestration.landing.manifest import Manifest
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.judgement import key_json_expression
from orchestration.quality.rows.parquet import scan_parquet
from orchestration.quality.rows.scan import Scan, reject_columns
from orchestration.quality.rows.text import create_macros

__all__ = ["Gated", "gate", "key_json_expression"]

GOOD, REJECTS, DELETED_KEYS, PRESENT_KEYS = "good", "rejects", "deleted_keys", "present_keys"

_REJECT_COLUMNS = (
    '"file" VARCHAR, row_number BIGINT, "key" VARCHAR, "cursor" TIMESTAMP, '
    "column_name VARCHAR, reason VARCHAR, raw_value VARCHAR, raw_row VARCHAR"
)


@dataclass(frozen=True)
class Gated:
    """What came through. The relations are temporary ones of the connection that the gate ran on.

    ``good`` has exactly the contract's columns; ``rejects`` has file (its key in landing),
    row_number (from 1, the header not counted), key (see :func:`key_json_expression`, NULL when
    unreadable), cursor (NULL when unreadable), column_name, reason, raw_value and raw_row (a JSON
    object of texts by bronze name). ``deleted_keys`` and ``present_keys`` have the key's columns.
    ``max_cursor`` is UTC without a zone and counts rejected rows, where their cursor is readable.
    """

    extracted: int
    rejected: int
    max_cursor: datetime | None
    good: str = GOOD
    rejects: str = REJECTS
    deleted_keys: str = DELETED_KEYS
    present_keys: str = PRESENT_KEYS


def gate(con: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, store: LandingStore) -> Gated:
    """Judge a landed load; the relations of an earlier call on this connection are replaced.

    ``contract`` is the effective one (``manifest.effective(contract)``). The connection's
    time zone must be UTC; its memory limit bounds the gate.

    Raises:
        SchemaDrift: a column is gone or of a type that never fits; names file and column.
        ConnectionFailed: a file holds fewer or more rows than the source counted.
    """
    _drop(con)
    con.execute(f"CREATE TEMP TABLE {REJECTS} ({_REJECT_COLUMNS})")
    tally = _gate_rows(con, contract, manifest, store)
    for name, parts in (
        (DELETED_KEYS, manifest.of_role("deleted_keys")),
        (PRESENT_KEYS, manifest.of_role("present_keys")),
    ):
        _create_keys(con, contract, name, scan_parquet(con, contract.key_columns, parts, store))
    return tally


def _gate_rows(con: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, store: LandingStore) -> Gated:
    create_macros(con)
    known = {column.name for column in manifest.columns}
    unknown = {column.name for column in contract.columns} - known
    scans = scan_parquet(con, contract.columns, manifest.of_role("rows"), store, unknown=unknown)
    tallies = [_tally(con, contract, scan) for scan in scans]
    views = []
    for scan, (_, rejected, _) in zip(scans, tallies, strict=True):
        if rejected:
            _record_rejects(con, contract, scan)
        views.append(_good_select(scan, filtered=rejected > 0))
    con.execute(f"CREATE TEMP VIEW {GOOD} AS {' UNION ALL '.join(views) or _empty_select(contract.columns)}")
    cursors = [cursor for _, _, cursor in tallies if cursor is not None]
    return Gated(sum(t[0] for t in tallies), sum(t[1] for t in tallies), max(cursors, default=None))


def _tally(con: duckdb.DuckDBPyConnection, contract: Contract, scan: Scan) -> tuple[int, int, datetime | None]:
    """Count rows and rejects and find the latest cursor, in one pass that copies nothing."""
    cursor = f"max({scan.trusted(contract.cursor)})" if contract.cursor else "NULL"
    row = con.execute(f"SELECT count(*), count(*) FILTER (WHERE {scan.fault}), {cursor} FROM {scan.source}").fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers
    return row[0], row[1], row[2]


def _record_rejects(con: duckdb.DuckDBPyConnection, contract: Contract, scan: Scan) -> None:
    """Write the rejects of a scan whose good rows need no copy: a second pass, only where there are any."""
    columns = ", ".join(reject_columns(contract, scan).values())
    con.execute(f"INSERT INTO {REJECTS} SELECT {columns} FROM {scan.source} WHERE {scan.fault}")


def _good_select(scan: Scan, *, filtered: bool) -> str:
    return f"SELECT {scan.values} FROM {scan.source}" + (f" WHERE NOT ({scan.fault})" if filtered else "")


def _create_keys(con: duckdb.DuckDBPyConnection, contract: Contract, name: str, scans: Sequence[Scan]) -> None:
    """Make a view of landed keys; a key that is no key is the source's fault, not one row's."""
    for scan in scans:
        bad = _tally(con, replace(contract, cursor=None), scan)[1]
        if bad:
            message = f"{contract.source}/{contract.entity}: {bad} landed keys break the contract."
            raise ContractViolated(message, "Compare the key's columns and types with the source.")
    views = " UNION ALL ".join(_good_select(scan, filtered=False) for scan in scans)
    con.execute(f"CREATE TEMP VIEW {name} AS {views or _empty_select(contract.key_columns)}")


def _empty_select(columns: Sequence[Column]) -> str:
    nulls = ", ".join(f"CAST(NULL AS {c.type.duckdb}) AS {names.quote(c.name)}" for c in columns)
    return f"SELECT {nulls} WHERE false"


def _drop(con: duckdb.DuckDBPyConnection) -> None:
    for name in (GOOD, DELETED_KEYS, PRESENT_KEYS):
        con.execute(f"DROP VIEW IF EXISTS temp.{name}")
    con.execute(f"DROP TABLE IF EXISTS temp.{REJECTS}")
