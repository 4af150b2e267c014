"""Reads Parquet parts for the gate: typed, and without copying anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.landing.manifest import Part
from orchestration.landing.plain_texts import Longest, longest_texts
from orchestration.landing.store import LandingStore
from orchestration.parquet_files import parquet_relation
from orchestration.quality.rows.judgement import Conversion, Judgement, judge
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text import TextColumn, create_macros, judge_text, layered
from orchestration.quality.rows.typed import TEXT, convert_typed


def scan_parquet(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    parts: Sequence[Part],
    store: LandingStore,
    *,
    unknown: Collection[str] = (),
) -> list[Scan]:
    """Return one scan for each form that the parts have: as a rule one for all of them.

    ``unknown`` are columns that the contract did not have yet when the parts landed: NULL where they lack.

    Raises:
        SchemaDrift: a column is missing, or of a type that never fits.
    """
    forms: dict[tuple[tuple[str, str], ...], dict[Path, str]] = {}
    for part in parts:
        path = store.local_path(part.key)
        described = con.execute(f"DESCRIBE SELECT * FROM {parquet_relation(path)}").fetchall()
        forms.setdefault(tuple((row[0], row[1]) for row in described), {})[path] = part.key
    return [_scan(con, columns, dict(form), keys, unknown) for form, keys in forms.items()]


def _scan(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    form: dict[str, str],
    keys: dict[Path, str],
    unknown: Collection[str],
) -> Scan:
    for column in columns:
        if column.name not in form and column.name not in unknown:
            message = f"{next(iter(keys.values()))}: column {column.name!r} is missing."
            raise SchemaDrift(message, "The source no longer has it; correct the contract.")
    source = parquet_relation(*keys, options="filename='_file', file_row_number=true")
    items = [TextColumn(column, number, names.quote(column.name)) for number, column in enumerate(columns)]
    texts = [item for item in items if form.get(item.column.name) == TEXT]
    if any(item.is_converted for item in texts):
        create_macros(con)  # 3 CPU ms, which few typed parts need
    longest = longest_texts(keys)
    judgements = tuple(_judge(item, form.get(item.column.name), longest) for item in items)
    landing_keys = ", ".join(f"{names.literal(str(path))}: {names.literal(key)}" for path, key in keys.items())
    return Scan(layered(source, texts), judgements, f"MAP {{{landing_keys}}}[_file]", "file_row_number + 1")


def _judge(item: TextColumn, given: str | None, longest: Longest) -> Judgement:
    if given is None:
        return judge(item.column, Conversion(f"CAST(NULL AS {item.column.type.duckdb})"), arriving="NULL", raw="NULL")
    if given == TEXT:
        return judge_text(item, longest.get(item.column.name))
    conversion = convert_typed(item.column, given, item.text)
    return judge(item.column, conversion, arriving=item.text, raw=f"CAST({item.text} AS VARCHAR)")
