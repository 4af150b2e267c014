"""Keys out of pages as received, for a sweep and for the deleted feed."""

from __future__ import annotations

import msgspec
import pyarrow as pa
from pyarrow import csv

from orchestration.arrow_values import text_array
from orchestration.contracts.extraction import JsonPage, Page
from orchestration.contracts.model import Contract


def schema(contract: Contract) -> pa.Schema:
    """Return the key's columns under their bronze names."""
    return pa.schema([pa.field(column.name, column.type.arrow) for column in contract.key_columns])


def read(contract: Contract, page: Page) -> pa.RecordBatch:
    """Read the keys of one page of a query that selected nothing else."""
    names = [column.source_name for column in contract.key_columns]
    if isinstance(page, JsonPage):
        records = msgspec.json.decode(page.body)[page.records]
        arrays = [text_array([record[name] for record in records]) for name in names]
    elif isinstance(page, pa.RecordBatch):
        return page
    else:
        options = csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
        table = csv.read_csv(pa.BufferReader(page.body), convert_options=options).combine_chunks()
        arrays = [table.column(name).combine_chunks() for name in names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(contract))
