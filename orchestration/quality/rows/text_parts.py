"""Gates text parts: each is parsed once, into temporary tables of typed rows and their faults.

A part that a fast reader could get wrong (``Part.regular``) is first written out again,
record by record and exactly; from then on it takes the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed
from orchestration.landing.manifest import Form, Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.csv_parts import (
    create_structure,
    csv_items,
    read_csv,
    record_structure,
    true_row_number,
)
from orchestration.quality.rows.exact import scan_exact, write_exact
from orchestration.quality.rows.exact_csv import csv_records
from orchestration.quality.rows.exact_json import json_records
from orchestration.quality.rows.json_parts import json_items, read_json
from orchestration.quality.rows.rejects import REJECTS, parsed, reject_text
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text_source import second_go

_UNCOUNTED_MB = 32
RIGHT, DOUBTED, REJECT = "gated_right", "gated_doubted", "_reject"


@dataclass(frozen=True)
class TextGate:
    """The gate of one load's text parts, which are all of one format.

    ``json_as_text``: the load is a replay, whose values are all texts. ``unknown``: columns that
    the contract did not have yet when the load landed.
    """

    con: duckdb.DuckDBPyConnection
    contract: Contract
    store: LandingStore
    unknown: Collection[str]
    json_as_text: bool

    def run(self, parts: Sequence[Part]) -> int:
        """Fill the temporary tables of rows and the rejects; return the number of records.

        Raises:
            SchemaDrift: a header lacks a column of the contract.
            ConnectionFailed: a part holds fewer or more records than the source counted.
        """
        columns = ", ".join(f"{names.quote(c.name)} {c.type.duckdb}" for c in self.contract.columns)
        with _room_beside_duckdb(self.con), _one_transaction(self.con):
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {RIGHT} ({columns}, _doubt VARCHAR[])")
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {DOUBTED} ({columns}, {REJECT} VARCHAR)")
            create_structure(self.con)
            extracted = sum(self._part(part) for part in parts)
            self._judge_doubts(parts[0].format)
            self._collect_rejects()
        return extracted

    @property
    def good(self) -> str:
        """The query of the good rows."""
        columns = ", ".join(names.quote(column.name) for column in self.contract.columns)
        doubted = f"SELECT {columns} FROM {DOUBTED} WHERE {REJECT} IS NULL"
        return f"SELECT {columns} FROM {RIGHT} WHERE _doubt IS NULL UNION ALL {doubted}"

    def latest(self, column: str) -> datetime | None:
        """Return the greatest value of a timestamp column, that of rejects included where it can be read."""
        right = f"SELECT max({names.quote(column)}) AS latest FROM {RIGHT} WHERE _doubt IS NULL"
        cursor = f"CASE WHEN {REJECT} IS NULL THEN {names.quote(column)} ELSE {parsed(REJECT)['cursor']} END"
        query = f"SELECT max(latest) FROM ({right} UNION ALL SELECT max({cursor}) FROM {DOUBTED})"
        latest: datetime | None = self.con.execute(query).fetchall()[0][0]
        return latest

    def _part(self, part: Part) -> int:
        found = self._fast(part) if part.regular else self._exact(part)
        if part.rows is not None and found != part.rows:
            message = f"{part.key}: holds {found} records, the source counted {part.rows}."
            raise ConnectionFailed(message, "The reply was cut short; try again.")
        return found

    def _fast(self, part: Part) -> int:
        path, columns = self.store.local_path(part.key), self.contract.columns
        if part.format == "csv":
            source = read_csv(columns, path, part.key, part.delimiter, self.unknown)
        else:
            source = read_json(columns, path, json_as_text=self.json_as_text)
        found = self._insert(RIGHT, source.first_go(part.key))
        if part.format == "csv":
            found += record_structure(self.con, part.key)
        return found

    def _exact(self, part: Part) -> int:
        path, columns = self.store.local_path(part.key), self.contract.columns
        if part.format == "csv":
            records = csv_records(path, part.key, columns, part.delimiter, self.unknown)
        else:
            records = json_records(path, columns, json_as_text=self.json_as_text)
        with NamedTemporaryFile(dir=self._scratch(), prefix="gate-", suffix=".ndjson") as file:
            write_exact(records, Path(file.name))
            return self._judge(scan_exact(columns, Path(file.name), part.key))

    def _judge_doubts(self, form: Form) -> None:
        """Take the rows apart that the first go left; planning that costs as much as a whole small load."""
        doubts = f"FROM {RIGHT} WHERE _doubt IS NOT NULL"
        if self.con.execute(f"SELECT 1 {doubts} LIMIT 1").fetchall():
            columns = self.contract.columns
            items = csv_items(columns) if form == "csv" else json_items(columns, json_as_text=self.json_as_text)
            self._judge(second_go(items, f"(SELECT _doubt {doubts})"))

    def _judge(self, scan: Scan) -> int:
        return self._insert(DOUBTED, f"SELECT {scan.values}, {reject_text(self.contract, scan)} FROM {scan.source}")

    def _insert(self, table: str, query: str) -> int:
        inserted: int = self.con.execute(f"INSERT INTO {table} {query}").fetchall()[0][0]
        return inserted

    def _scratch(self) -> str | None:
        """Return DuckDB's own place for spilling, so that exact copies lie where there is room for them."""
        folder: str = self.con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]
        return folder if folder and Path(folder).is_dir() else None

    def _collect_rejects(self) -> None:
        values = parsed(REJECT)
        values["row_number"] = true_row_number(values["file"], values["row_number"])
        query = f"SELECT {', '.join(values.values())} FROM {DOUBTED} WHERE {REJECT} IS NOT NULL"
        self.con.execute(f"INSERT INTO {REJECTS} {query}")


@contextmanager
def _one_transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run in one transaction: between statements DuckDB would tidy its temporary tables, which doubled the time."""
    if _in_transaction(con):
        yield
        return
    con.begin()
    try:
        yield
    except BaseException:
        con.rollback()
        raise
    con.commit()


@contextmanager
def _room_beside_duckdb(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lower the memory limit by what the readers of compressed text hold without DuckDB's counting it."""
    limit: str = con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    size, unit = limit.split()
    lowered = float(size) - _UNCOUNTED_MB if unit == "MiB" else float(size)
    con.execute(f"SET memory_limit = '{max(lowered, float(size) / 2):.1f} {unit}'")
    try:
        yield
    finally:
        with suppress(duckdb.TransactionException):  # the caller's has failed; it is about to be rolled back
            con.execute(f"SET memory_limit = '{limit}'")


def _in_transaction(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether the caller began one: else each statement has one of its own. Beginning a second aborts the first."""
    numbers = [con.execute("SELECT txid_current()").fetchall() for _ in range(2)]
    return numbers[0] == numbers[1]
