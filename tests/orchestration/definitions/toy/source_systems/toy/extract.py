"""Reads text files; a file called ``defect`` lets the next calls fail."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.extraction import Connection, Extractor, Page, Window
from orchestration.contracts.model import Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import AuthenticationFailed, ConnectionFailed


def connect(connection: Connection) -> AbstractContextManager[Extractor]:
    folder = Path(connection.get("folder"))
    _fail_if_defect(folder)
    return nullcontext(_Files(folder))


class _Files(Extractor):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def extract(self, contract: Contract, window: Window) -> Iterator[Page]:
        path = self._folder / f"{contract.physical_name}.csv"
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
        records = [
            {"id": int(number), "name": name, "amount": Decimal(amount), "updated_at": datetime.fromisoformat(at)}
            for number, name, amount, at in rows
        ]
        if window.since:
            since = window.since.replace(tzinfo=None)
            records = [record for record in records if record["updated_at"] >= since]
        yield pa.RecordBatch.from_pylist(records, schema=contract.arrow_schema)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        return {column.source_name: column.type for column in contract.columns}


def _fail_if_defect(folder: Path) -> None:
    path = folder / "defect"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not text:
        return
    kind, times = text.split()
    path.write_text(f"{kind} {int(times) - 1}" if int(times) > 1 else "", encoding="utf-8")
    if kind == "refused":
        raise AuthenticationFailed("The source refuses the password.", "Give a new one.")
    raise ConnectionFailed("The source does not answer.", "Wait.")
