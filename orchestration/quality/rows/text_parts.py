"""Gates text parts: each is parsed once, into relations of typed rows and their faults.

Of a regular CSV part Arrow converts what is certainly right, into a file; its doubted rows, and
NDJSON parts, are converted by DuckDB, which leaves the texts of what it doubts for a second go.
A part that a fast reader could get wrong (``Part.regular``) is first written out again,
record by record and exactly, and goes into that second go as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import duckdb
import pyarrow as pa

from orchestration import names
from orchestration.arrow_values import integer_array, text_array
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed
from orchestration.landing.manifest import Form, Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.arrow_memory import frugal_arrow
from orchestration.quality.rows.certain_rows import CertainRows
from orchestration.quality.rows.csv_sorting import CsvSorting
from orchestration.quality.rows.csv_texts import csv_items, texts_of
from orchestration.quality.rows.exact_json import member_twice
from orchestration.quality.rows.exact_parts import exact_part
from orchestration.quality.rows.json_parts import json_items, read_json
from orchestration.quality.rows.judgement import Reason, text_object
from orchestration.quality.rows.rejects import REJECTS, reject_value
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text_source import TextSource, second_go
from orchestration.quality.rows.text_tables import DOUBTED, REJECT, RIGHT, TEXTS, TextTables
from orchestration.warehouse.engine_setting import current_setting, engine_setting

# What the readers of compressed text hold at most without DuckDB's counting it: its own of JSON, and Arrow's of CSV.
_UNCOUNTED_MB: dict[Form, int] = {"ndjson": 32, "csv": 128}
_DOUBTED_BYTES = 8 * 1024 * 1024
_TWICE = re.compile(r'in line (?P<line>\d+): .* has duplicate key "(?P<member>.*)"\n', re.DOTALL)


@dataclass(frozen=True)
class TextGate:
    """The gate of one load's text parts, which are all of one format.

    ``json_as_text``: the load is a replay, whose values are all texts. ``unknown``: columns that
    the contract did not have yet when the load landed. ``certain`` takes the rows of CSV that Arrow
    converts, and has to last as long as :attr:`good` is read.
    """

    con: duckdb.DuckDBPyConnection
    contract: Contract
    store: LandingStore
    unknown: Collection[str]
    json_as_text: bool
    certain: CertainRows

    def run(self, parts: Sequence[Part]) -> int:
        """Fill the relations of rows and the rejects; return the number of records.

        Raises:
            SchemaDrift: a header lacks a column of the contract.
            ConnectionFailed: a part holds fewer or more records than the source counted.
            ContractViolated: a JSON record has a member of the contract twice.
        """
        room = _room_beside_duckdb(self.con, _UNCOUNTED_MB[parts[0].format])
        with room, frugal_arrow(), _one_transaction(self.con):
            extracted = sum(self._part(part) for part in parts)
            self.certain.finish()
            self._judge_doubts(parts[0].format)
            self._collect_rejects()
        return extracted

    @property
    def good(self) -> str:
        """The query of the good rows, empty where there was not even a doubted one."""
        columns = ", ".join(names.quote(column.name) for column in self.contract.columns)
        doubted = [f"{DOUBTED} WHERE {REJECT} IS NULL"] if DOUBTED in self._tables else []
        return " UNION ALL ".join(f"SELECT {columns} FROM {relation}" for relation in [*self._right, *doubted])

    def latest(self, column: str) -> datetime | None:
        """Return the greatest value of a timestamp column, that of rejects included where it can be read."""
        value = names.quote(column)
        latest_of = dict.fromkeys(self._right, value)
        if DOUBTED in self._tables:
            latest_of[DOUBTED] = f"CASE WHEN {REJECT} IS NULL THEN {value} ELSE {REJECT}.cursor END"
        found = " UNION ALL ".join(f"SELECT max({when}) AS latest FROM {table}" for table, when in latest_of.items())
        query = f"SELECT max(latest) FROM ({found})"
        latest: datetime | None = self.con.execute(query).fetchall()[0][0] if found else None
        return latest

    @property
    def _right(self) -> list[str]:
        return [*self.certain.sources, *([f"{RIGHT} WHERE _doubt IS NULL"] if RIGHT in self._tables else [])]

    @cached_property
    def _tables(self) -> TextTables:
        return TextTables(self.con, self.contract.columns)

    def _part(self, part: Part) -> int:
        gate = self._exact if not part.regular else self._csv if part.format == "csv" else self._json
        found = gate(part)
        if part.rows is not None and found != part.rows:
            message = f"{part.place}: holds {found} records, the source counted {part.rows}."
            raise ConnectionFailed(message, "The reply was cut short; try again.")
        return found

    def _json(self, part: Part) -> int:
        path = self.store.local_path(part.key)
        source = read_json(self.contract.columns, path, json_as_text=self.json_as_text)
        try:
            return self._insert(RIGHT, source.first_go(names.literal(part.key)))
        except duckdb.InvalidInputException as error:
            twice = _TWICE.search(str(error))
            if twice:
                raise member_twice(part.key, int(twice["line"]), twice["member"]) from None
            raise

    def _csv(self, part: Part) -> int:
        texts = texts_of(part, self.store, self.contract.columns, self.unknown)
        sorting, broken = CsvSorting(texts), 0
        for certain in sorting:
            self.certain.write(certain)
            if sorting.doubted_bytes > _DOUBTED_BYTES:
                broken += self._set_aside(part.key, sorting)
        broken += self._set_aside(part.key, sorting)
        if texts.finished:
            return texts.whole + broken
        return texts.read + self._exact(part, after=texts.read)

    def _set_aside(self, key: str, sorting: CsvSorting) -> int:
        """Keep doubted records for later, and reject broken lines; return the number of these."""
        doubted = sorting.take_doubted()
        if doubted is not None:
            self._insert_arrow(self._tables.table(TEXTS), f"{names.literal(key)}, *", doubted)
        return self._reject_lines(key, sorting.part.take_broken())

    def _insert_arrow(self, table: str, selected: str, rows: pa.Table) -> None:
        if rows.num_rows:
            # DuckDB finds them by the variable's name; registered ones would be held until the transaction ends.
            self.con.execute(f"INSERT INTO {table} SELECT {selected} FROM rows")

    def _reject_lines(self, key: str, lines: Sequence[tuple[int, str]]) -> int:
        """Reject lines that have too few or too many values."""
        if lines:
            rows, texts = zip(*lines, strict=True)
            reject = f"NULL, NULL, NULL, '{Reason.COLUMN_COUNT}', _line, {text_object([('_line', '_line')])}"
            told = pa.table([integer_array(rows), text_array(texts)], ["_row", "_line"])
            self._insert_arrow(REJECTS, f"{names.literal(key)}, _row, {reject}", told)
        return len(lines)

    def _exact(self, part: Part, *, after: int = 0) -> int:
        """Gate a part record by record, but for some at its beginning."""
        columns, unknown, as_text = self.contract.columns, self.unknown, self.json_as_text
        records = exact_part(self.con, columns, self.store, part, unknown=unknown, json_as_text=as_text, after=after)
        with records as scan:
            return self._judge(scan)

    def _judge_doubts(self, form: Form) -> None:
        """Take the rows apart that the first go left; planning that costs as much as a whole small load."""
        if TEXTS in self._tables:
            source = TextSource(TEXTS, csv_items(self.contract.columns))
            self._insert(RIGHT, source.first_go("_file"))
            self.con.execute(f"DROP TABLE {TEXTS}")
        doubts = f"{RIGHT} WHERE _doubt IS NOT NULL"
        if RIGHT in self._tables and self.con.execute(f"SELECT 1 FROM {doubts} LIMIT 1").fetchall():
            columns = self.contract.columns
            items = csv_items(columns) if form == "csv" else json_items(columns, json_as_text=self.json_as_text)
            self._judge(second_go(items, f"(SELECT _doubt FROM {doubts})"))

    def _judge(self, scan: Scan) -> int:
        return self._insert(DOUBTED, f"SELECT {scan.values}, {reject_value(self.contract, scan)} FROM {scan.source}")

    def _insert(self, table: str, query: str) -> int:
        inserted: int = self.con.execute(f"INSERT INTO {self._tables.table(table)} {query}").fetchall()[0][0]
        return inserted

    def _collect_rejects(self) -> None:
        if DOUBTED in self._tables:
            rejected = f"SELECT unnest({REJECT}) FROM {DOUBTED} WHERE {REJECT} IS NOT NULL"
            self.con.execute(f"INSERT INTO {REJECTS} {rejected}")


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
def _room_beside_duckdb(con: duckdb.DuckDBPyConnection, megabytes: int) -> Iterator[None]:
    """Lower the memory limit by what is held beside DuckDB, to half of it at most."""
    limit = current_setting(con, "memory_limit")
    size, unit = limit.split()
    lowered = float(size) - megabytes if unit == "MiB" else float(size)
    with engine_setting(con, "memory_limit", f"{max(lowered, float(size) / 2):.1f} {unit}"):
        yield


def _in_transaction(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether the caller began one: else each statement has one of its own. Beginning a second aborts the first."""
    numbers = [con.execute("SELECT txid_current()").fetchall() for _ in range(2)]
    return numbers[0] == numbers[1]
