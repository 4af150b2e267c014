"""One folder as tests see it: what is extracted from it, and stacks that a test writes itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from orchestration.contracts.extraction import Connection, CsvPart, Window
from orchestration.contracts.source import read_source
from orchestration.settings import PROJECT
from source_systems.accounting.extract import connect
from source_systems.accounting.simulator.writing import TITLES

CONTRACTS = read_source(PROJECT / "source_systems" / "accounting").contracts
HEADER = (
    '"EXTF";700;21;"Buchungsstapel";13;{exported};;"RE";"";"";1001;1;{year}0101;4;{since};{until};"{name}";"";1;0;0;'
    '"EUR";;"";;;"03";;;"";""'
)


@dataclass(frozen=True)
class Inbox:
    """One tenant's folder."""

    folder: Path

    @property
    def connection(self) -> Connection:
        return Connection("acme", "accounting", settings={"folder": SecretStr(str(self.folder))})

    def rows(self, entity: str = "posting") -> list[Mapping[str, str]]:
        """Return what is extracted, by column."""
        found: list[Mapping[str, str]] = []
        with connect(self.connection) as extractor:
            for page in extractor.extract(CONTRACTS[entity], Window(None, datetime.now(UTC))):
                assert isinstance(page, CsvPart)
                rows = list(csv.DictReader(io.StringIO(page.body.decode(), newline="")))
                assert page.rows == len(rows)
                found += rows
        return found

    def columns(self, entity: str = "posting") -> set[str]:
        with connect(self.connection) as extractor:
            return set(extractor.describe(CONTRACTS[entity]))

    def drop(
        self,
        file: str,
        lines: Sequence[str],
        *,
        exported: str = "20260201080000000",
        period: tuple[str, str] = ("20260101", "20260131"),
        name: str = "Januar",
        encoding: str = "cp1252",
    ) -> Path:
        """Write a stack of January 2026, or of another period."""
        since, until = period
        header = HEADER.format(exported=exported, year=since[:4], since=since, until=until, name=name)
        path = self.folder / file
        path.write_bytes("\r\n".join([header, ";".join(TITLES), *lines, ""]).encode(encoding))
        return path


def line(**values: str) -> str:
    """Write a booking line; values by our names."""
    fields = [""] * 125
    places = {
        "amount": 1, "side": 2, "currency": 3, "account": 7, "contra_account": 8, "posted_on": 10,
        "document_number": 11, "posting_text": 14, "cost_center": 37, "is_reversal": 118,
    }  # fmt: skip
    usual = {"amount": "119,00", "side": "S", "account": "1400", "contra_account": "8400", "posted_on": "1501"}
    for name, value in (usual | values).items():
        fields[places[name] - 1] = value
    return ";".join(fields)
