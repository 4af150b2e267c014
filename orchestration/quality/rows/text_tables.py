"""Temporary tables of rows of text that SQL has to convert: made when the first such row comes.

A load in which nobody doubts a value needs none of them, nor the SQL functions: planning
those took 15 CPU ms, a quarter of a whole load of ten rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.quality.rows.csv_texts import csv_items
from orchestration.quality.rows.rejects import REJECT_TYPE
from orchestration.quality.rows.text import create_macros

# Texts of the rows that Arrow doubts, rows of the first go in SQL, rows of the second.
TEXTS, RIGHT, DOUBTED = "gated_texts", "gated_right", "gated_doubted"
REJECT = "_reject"


class TextTables:
    """The tables of one load; those of an earlier one on the connection are gone."""

    def __init__(self, con: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> None:
        """``columns`` are the contract's."""
        self._con, self._columns = con, columns
        self._made: set[str] = set()
        for name in (TEXTS, RIGHT, DOUBTED):
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def __contains__(self, name: str) -> bool:
        """Say whether a table was made."""
        return name in self._made

    def table(self, name: str) -> str:
        """Return a table's name; it is there from the first call on."""
        if not self._made:
            create_macros(self._con)
        if name not in self._made:
            self._con.execute(f"CREATE TEMP TABLE {name} ({self._fields(name)})")
            self._made.add(name)
        return name

    def _fields(self, name: str) -> str:
        if name == TEXTS:
            texts = ", ".join(f"{item.text} VARCHAR" for item in csv_items(self._columns))
            return f"_file VARCHAR, _row BIGINT, {texts}"
        columns = ", ".join(f"{names.quote(column.name)} {column.type.duckdb}" for column in self._columns)
        return f"{columns}, _doubt VARCHAR[]" if name == RIGHT else f"{columns}, {REJECT} {REJECT_TYPE}"
