"""The row gate: what landed against what the contract promises, set by set, on DuckDB.

Good rows come out as the contract's columns in its types; a row that breaks the
contract comes out as a reject, with file, row, column, reason and its raw values.
Nothing is rounded, cut or guessed on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.failures import ContractViolated
from orchestration.landing.manifest import Manifest, Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.certain_rows import CertainRows
from orchestration.quality.rows.judgement import key_json_expression
from orchestration.quality.rows.parquet_parts import scan_parquet
from orchestration.quality.rows.places import Places
from orchestration.quality.rows.rejects import REJECTS, create_rejects, reject_select
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text_parts import TextGate

__all__ = ["Gated", "gate", "key_json_expression"]

_MANY_ROWS = 100_000
GOOD, DELETED_KEYS, PRESENT_KEYS = "good", "deleted_keys", "present_keys"


@dataclass(frozen=True)
class Gated:
    """What came through. The relations are temporary ones of the connection that the gate ran on.

    ``good`` has exactly the contract's columns; ``rejects`` has file (its key in landing),
    row_number (from 1, the header not counted), key (see :func:`key_json_expression`, NULL when
    unreadable), cursor (NULL when unreadable), column_name, reason, raw_value and raw_row (a JSON
    object of texts by bronze name). ``deleted_keys`` and ``present_keys`` have the key's columns.
    ``max_cursor`` is UTC without a zone and counts rejected rows, where their cursor is readable.
    ``places`` tells the file and row of good rows.
    """

    extracted: int
    rejected: int
    max_cursor: datetime | None
    places: Places = field(compare=False, repr=False)
    good: str = GOOD
    rejects: str = REJECTS
    deleted_keys: str = DELETED_KEYS
    present_keys: str = PRESENT_KEYS


@contextmanager
def gate(
    con: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, store: LandingStore
) -> Iterator[Gated]:
    """Judge a landed load; the relations hold for the block, and replace those of an earlier one on this connection.

    ``contract`` is the effective one (``manifest.effective(contract)``). The connection's
    time zone must be UTC; its memory limit bounds the gate.

    Raises:
        SchemaDrift: a column is gone or of a type that never fits; names file and column.
        ConnectionFailed: a file holds fewer or more rows than the source counted.
        ContractViolated: a JSON record has a member of the contract twice.
    """
    for name in (GOOD, DELETED_KEYS, PRESENT_KEYS):
        con.execute(f"DROP VIEW IF EXISTS temp.{name}")
    create_rejects(con)
    with CertainRows(con) as certain:
        gated = _gate_rows(con, contract, manifest, store, certain)
        deleted, present = manifest.of_role("deleted_keys"), manifest.of_role("present_keys")
        _create_keys(con, contract, DELETED_KEYS, scan_parquet(con, contract.key_columns, deleted, store))
        _create_keys(con, contract, PRESENT_KEYS, scan_parquet(con, contract.key_columns, present, store))
        yield gated


def _gate_rows(
    con: duckdb.DuckDBPyConnection, contract: Contract, manifest: Manifest, store: LandingStore, certain: CertainRows
) -> Gated:
    known = {column.name for column in manifest.columns}
    unknown = {column.name for column in contract.columns} - known
    rows = manifest.of_role("rows")
    typed = [part for part in rows if part.format == "parquet"]
    texts = [part for part in rows if part.format != "parquet"]
    count = sum(part.rows or 0 for part in typed)
    scans = scan_parquet(con, contract.columns, typed, store, unknown=unknown)
    outcomes = [_gate_typed(con, contract, scan, count) for scan in scans]
    if texts:
        text_gate = TextGate(con, contract, store, unknown, json_as_text=manifest.mode == "replay", certain=certain)
        outcomes.append(_gate_texts(text_gate, texts))
    good = " UNION ALL ".join(outcome.good for outcome in outcomes if outcome.good) or _empty_select(contract.columns)
    con.execute(f"CREATE TEMP VIEW {GOOD} AS {good}")
    cursors = [outcome.cursor for outcome in outcomes if outcome.cursor is not None]
    rejected = con.execute(f"SELECT count(*) FROM {REJECTS}").fetchall()[0][0]
    extracted, places = sum(outcome.extracted for outcome in outcomes), Places(con, contract, manifest, store, unknown)
    return Gated(extracted, rejected, max(cursors, default=None), places)


@dataclass(frozen=True)
class _Outcome:
    """Rows read, the latest cursor among them, and the query of the good ones."""

    extracted: int
    cursor: datetime | None
    good: str


def _gate_typed(con: duckdb.DuckDBPyConnection, contract: Contract, scan: Scan, rows: int) -> _Outcome:
    """Judge typed rows where they lie: only where a column has faults are whole rows counted."""
    any_fault = _any_fault(con, scan, rows)
    counted = f"count(*) FILTER (WHERE {scan.fault})" if any_fault else "0"
    cursor = f"max({scan.trusted(contract.cursor, sure=not any_fault)})" if contract.cursor else "NULL"
    tally = f"SELECT count(*), {counted}, {cursor} FROM {scan.source}"
    extracted, rejected, latest = con.execute(tally).fetchall()[0]
    good = f"SELECT {scan.values} FROM {scan.source}"
    if rejected:
        con.execute(f"INSERT INTO {REJECTS} {reject_select(contract, scan)}")
        good += f" WHERE NOT ({scan.fault})"
    return _Outcome(extracted, latest, good)


def _any_fault(con: duckdb.DuckDBPyConnection, scan: Scan, rows: int) -> bool:
    """Ask many rows column by column: statistics and dictionaries of Parquet answer for most conditions on one column.

    Measured on 2 million rows of 20 columns: 0.12 CPU s, against 0.27 for one pass over all of them.
    """
    faults = scan.faults if rows > _MANY_ROWS else [scan.fault]
    return any(con.execute(f"SELECT 1 FROM {scan.source} WHERE {fault} LIMIT 1").fetchall() for fault in faults)


def _gate_texts(text_gate: TextGate, parts: Sequence[Part]) -> _Outcome:
    extracted = text_gate.run(parts)
    cursor = text_gate.contract.cursor
    return _Outcome(extracted, text_gate.latest(cursor) if cursor else None, text_gate.good)


def _create_keys(con: duckdb.DuckDBPyConnection, contract: Contract, name: str, scans: Sequence[Scan]) -> None:
    """Make a view of landed keys; a key that is no key is the source's fault, not one row's.

    Raises:
        ContractViolated: there is such a key.
    """
    for scan in scans:
        bad = con.execute(f"SELECT count(*) FROM {scan.source} WHERE {scan.fault}").fetchall()[0][0]
        if bad:
            message = f"{contract.source}/{contract.entity}: {bad} landed keys break the contract."
            raise ContractViolated(message, "Compare the key's columns and types with the source.")
    views = " UNION ALL ".join(f"SELECT {scan.values} FROM {scan.source}" for scan in scans)
    con.execute(f"CREATE TEMP VIEW {name} AS {views or _empty_select(contract.key_columns)}")


def _empty_select(columns: Collection[Column]) -> str:
    nulls = ", ".join(f"CAST(NULL AS {c.type.duckdb}) AS {names.quote(c.name)}" for c in columns)
    return f"SELECT {nulls} WHERE false"
