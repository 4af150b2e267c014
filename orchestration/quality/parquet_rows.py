"""Reads Parquet parts for the gate: typed, and without copying anything."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.landing.manifest import Part
from orchestration.landing.store import LandingStore
from orchestration.quality.scan import Scan
from orchestration.quality.typed import judge_typed

_FILE, _ROW = '"_file"', "file_row_number"


def scan_parquet(
    con: duckdb.DuckDBPyConnection, columns: Sequence[Column], parts: Sequence[Part], store: LandingStore
) -> list[Scan]:
    """Return one scan for each form that the parts have: as a rule one for all of them.

    Raises:
        SchemaDrift: a column is missing, or of a type that never fits.
    """
    forms: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for part in parts:
        path = str(store.local_path(part.key))
        described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({names.literal(path)})").fetchall()
        forms.setdefault(tuple((row[0], row[1]) for row in described), {})[path] = part.key
    return [_scan(columns, dict(form), keys) for form, keys in forms.items()]


def _scan(columns: Sequence[Column], form: dict[str, str], keys: dict[str, str]) -> Scan:
    for column in columns:
        if column.name not in form:
            message = f"{next(iter(keys.values()))}: column {column.name!r} is missing."
            raise SchemaDrift(message, "The source no longer has it; correct the contract.")
    judgements = tuple(judge_typed(column, form[column.name], names.quote(column.name)) for column in columns)
    files = ", ".join(names.literal(path) for path in keys)
    source = f"read_parquet([{files}], filename='_file', file_row_number=true)"
    return Scan(source, judgements, keys, _FILE, f"{_ROW} + 1")
