"""Gates text parts: each is parsed once, into a temporary table of typed rows and their faults.

A part that a fast reader could get wrong (``Part.regular``) is first written out again,
record by record and exactly; from then on it takes the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed
from orchestration.landing.manifest import Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.csv_parts import create_structure, record_structure, scan_csv, true_row_number
from orchestration.quality.rows.exact import scan_exact, write_exact
from orchestration.quality.rows.exact_csv import csv_records
from orchestration.quality.rows.exact_json import json_records
from orchestration.quality.rows.json_parts import scan_json
from orchestration.quality.rows.rejects import COLUMNS, REJECTS, STRUCT, reject_struct
from orchestration.quality.rows.scan import Scan

ROWS, REJECT = "gated_text", "_reject"


@dataclass(frozen=True)
class TextGate:
    """The gate of one load's text parts.

    ``json_as_text``: the load is a replay, whose values are all texts. ``unknown``: columns that
    the contract did not have yet when the load landed.
    """

    con: duckdb.DuckDBPyConnection
    contract: Contract
    store: LandingStore
    unknown: Collection[str]
    json_as_text: bool

    def run(self, parts: Sequence[Part]) -> int:
        """Fill ``gated_text`` (the contract's columns and ``_reject``) and the rejects; return the number of records.

        Raises:
            SchemaDrift: a header lacks a column of the contract.
            ConnectionFailed: a part holds fewer or more records than the source counted.
        """
        columns = ", ".join(f"{names.quote(c.name)} {c.type.duckdb}" for c in self.contract.columns)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {ROWS} ({columns}, {REJECT} {STRUCT})")
        create_structure(self.con)
        extracted = sum(self._part(part) for part in parts)
        self._collect_rejects()
        return extracted

    def _part(self, part: Part) -> int:
        with self._scan(part) as scan:
            query = f"SELECT {scan.values}, {reject_struct(self.contract, scan)} FROM {scan.source}"
            found: int = self.con.execute(f"INSERT INTO {ROWS} {query}").fetchall()[0][0]
        if part.format == "csv" and part.regular:
            found += record_structure(self.con, part.key)
        if part.rows is not None and found != part.rows:
            message = f"{part.key}: holds {found} records, the source counted {part.rows}."
            raise ConnectionFailed(message, "The reply was cut short; try again.")
        return found

    @contextmanager
    def _scan(self, part: Part) -> Iterator[Scan]:
        path, columns = self.store.local_path(part.key), self.contract.columns
        if part.regular:
            if part.format == "csv":
                yield scan_csv(columns, path, part.key, part.delimiter, self.unknown)
            else:
                yield scan_json(columns, path, part.key, json_as_text=self.json_as_text)
            return
        with NamedTemporaryFile(dir=self._scratch(), prefix="gate-", suffix=".ndjson") as file:
            exact = Path(file.name)
            if part.format == "csv":
                write_exact(csv_records(path, part.key, columns, part.delimiter, self.unknown), exact)
            else:
                write_exact(json_records(path, columns, json_as_text=self.json_as_text), exact)
            yield scan_exact(columns, exact, part.key)

    def _scratch(self) -> str | None:
        """Return DuckDB's own place for spilling, so that exact copies lie where there is room for them."""
        folder: str = self.con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]
        return folder if folder and Path(folder).is_dir() else None

    def _collect_rejects(self) -> None:
        values = {name: f"r.{names.quote(name)}" for name in COLUMNS}
        values["row_number"] = true_row_number(values["file"], values["row_number"])
        rows = f"SELECT {REJECT} AS r FROM {ROWS} WHERE {REJECT} IS NOT NULL"
        self.con.execute(f"INSERT INTO {REJECTS} SELECT {', '.join(values.values())} FROM ({rows})")
