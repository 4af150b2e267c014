"""One simulated org as tests see it: ways to write rows into it, to let it fail, and to read what came out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr

from orchestration.contracts.extraction import Connection, CsvPart, JsonPage, Page, Window
from source_systems._simulation.change import Change
from source_systems._simulation.ids import salesforce_id
from source_systems.salesforce import simulator
from source_systems.salesforce.extract import SalesforceExtractor, connect
from source_systems.salesforce.org import Patience
from source_systems.salesforce.simulator import switches
from source_systems.salesforce.simulator.faults import Fault
from source_systems.salesforce.simulator.records import open_records
from source_systems.salesforce.simulator.world import apply, org_file


@dataclass(frozen=True)
class SimulatedOrg:
    """One test's org."""

    address: simulator.Address
    place: str

    @property
    def connection(self) -> Connection:
        settings = simulator.settings_for(self.address, self.place)
        return Connection("acme", "salesforce", settings={name: SecretStr(value) for name, value in settings.items()})

    def write(self, changes: Iterable[Change], at: datetime | None = None) -> None:
        with open_records(org_file(Path(self.address["folder"]), self.place)) as records, records.transaction():
            apply(records, changes, at or datetime.now(UTC))

    def connect(self, **patience: Any) -> AbstractContextManager[SalesforceExtractor]:
        quick = {"first_wait": 0.001, "bulk_poll": 0.01, "rest_page": 200, "read": 5.0} | patience
        return connect(self.connection, Patience(**quick))

    def fail(self, kind: str, **fault: Any) -> None:
        switches.inject(self.address, self.place, Fault(kind, **fault))

    def turn(self, **values: float) -> None:
        switches.turn(self.address, self.place, **values)

    @property
    def used(self) -> int:
        return switches.requests_used(self.address, self.place)


def account(number: int, **values: Any) -> Change:
    """An account as it is made; ``values`` win."""
    row = {
        "Id": salesforce_id("Account", number),
        "IsDeleted": False,
        "Name": f"Company {number}",
        "AnnualRevenue": Decimal("1234567.89"),
        "NumberOfEmployees": 12,
        "Health_Score__c": Decimal("81.25"),
    }
    return Change("salesforce", "Account", "insert", row | values)


def opportunity(number: int, **values: Any) -> Change:
    row = {
        "Id": salesforce_id("Opportunity", number),
        "IsDeleted": False,
        "Name": f"Deal {number}",
        "StageName": "Proposal",
        "Amount": Decimal("100.10"),
        "Probability": Decimal(50),
        "CloseDate": date(2026, 3, 31),
        "IsClosed": False,
        "IsWon": False,
    }
    return Change("salesforce", "Opportunity", "insert", row | values)


def everything() -> Window:
    return Window(None, datetime.now(UTC))


def since(**back: float) -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(**back), now)


def records_of(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """The records of pages, as text where the page is CSV; numbers of JSON stay exact."""
    return [record for page in pages for record in _records(page)]


def _records(page: Page) -> list[dict[str, Any]]:
    if isinstance(page, CsvPart):
        return list(csv.DictReader(io.StringIO(page.body.decode(), newline="")))
    assert isinstance(page, JsonPage)
    decoded: list[dict[str, Any]] = msgspec.json.decode(page.body, type=dict[str, Any])[page.records]
    return decoded
