"""A source in memory whose rows carry their tenant's own words, so that a test can look for them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.extraction import Connection, Extractor, Window
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.failures import ConnectionFailed


def _column(name: str, kind: str, **more: object) -> Column:
    return Column(name=name, source_name=name, type=parse_type(kind), **more)


CONTRACT = Contract(
    source="till",
    entity="bill",
    version="1.0.0",
    description="",
    owner="till-team",
    physical_name="bill",
    columns=(
        _column("id", "bigint", required=True),
        _column("status", "text(8)", allowed=("open", "paid")),
        _column("amount", "decimal(18,2)"),
        _column("note", "text(200)"),
        _column("email", "text(200)", pii=True),
        _column("updated_at", "timestamp"),
    ),
    key=("id",),
    cursor="updated_at",
    deletes=Deletes.DAILY,
    soft_delete_column=None,
    sweep_every=timedelta(hours=1),
    overlap=timedelta(minutes=15),
    reject_threshold=1.0,
    shrink_threshold=1.0,
    freshness=timedelta(hours=26),
    additions=Additions.LOAD,
    tenant_column=None,
)


@dataclass
class Bill:
    id: int
    note: str
    email: str
    status: str = "open"
    amount: Decimal = Decimal("1.00")
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))


class Till(Extractor):
    """Hands one tenant's bills over, or refuses with that tenant's words."""

    def __init__(self, bills: Mapping[int, Bill]) -> None:
        self.bills = bills

    def extract(self, contract: Contract, window: Window) -> Iterator[pa.RecordBatch]:
        since = window.since.replace(tzinfo=None) if window.since else datetime(1970, 1, 1)  # noqa: DTZ001
        found = [bill for bill in self.bills.values() if bill.updated_at >= since]
        if found:
            columns = {c.name: pa.array([getattr(b, c.name) for b in found], c.type.arrow) for c in contract.columns}
            yield pa.record_batch(columns)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        return {c.source_name: c.type for c in contract.columns}


@dataclass(frozen=True)
class TillSource(SourceSystem):
    """``bills`` by tenant and id; ``broken`` tenants' connections fail with the words given there."""

    bills: dict[str, dict[int, Bill]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {CONTRACT.entity: CONTRACT}

    @cached_property
    def faults(self) -> dict[str, object]:
        return {}

    @contextmanager
    def connect(self, connection: Connection) -> Iterator[Extractor]:
        if words := self.broken.get(connection.tenant):
            raise ConnectionFailed(f"{connection.label}: nobody answers ({words}).", "Wait.")
        yield Till(self.bills.get(connection.tenant, {}))


def till_source(folder: Path) -> TillSource:
    description = SourceDescription(
        title="Till", owner="till-team", kind="memory", start=datetime(2020, 1, 1, tzinfo=UTC)
    )
    return TillSource(name="till", folder=folder, description=description)
