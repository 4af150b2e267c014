"""Two tenants in one installation: what tests of the access room do again and again."""

from __future__ import annotations

import shutil
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path

from gold_tables import build_gold
from till_source import Bill, TillSource, till_source

from orchestration.access import Permission, Principal, TenantAccess
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.load import load_source
from orchestration.contracts.extraction import Connection
from orchestration.control import changes, tables
from orchestration.landing.store import open_landing
from orchestration.publication.publish import publish
from orchestration.publication.status import write_status
from orchestration.runtime import Runtime
from orchestration.scripts.close.outcome import CloseRequest, Closing
from orchestration.scripts.close.publishing import close_and_publish
from orchestration.settings import Settings
from orchestration.tenants import Tenant
from orchestration.warehouse import open_warehouse

GOLD = ("gold", "bill")
BRONZE = ("bronze_till", "bill")
CLOSED = ("finance", "bill_total")
TENANTS = ("acme", "globex")
_SCRIPT = """-- title: Bills
-- owner: till-team
-- description: What bills come to.
SELECT b.note, CAST(SUM(b.amount) AS decimal(18, 2)) AS total, COUNT(*) AS bills
INTO finance.bill_total FROM gold.bill AS b GROUP BY b.note;
"""


class House:
    """One installation with the till as its only source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source: TillSource = till_source(folder / "till")
        settings = Settings(home=folder / "home", scripts_dir=folder / "scripts", lock_wait_seconds=20, _env_file=None)
        self.runtime = Runtime(
            settings=settings,
            sources={"till": self.source},
            tenants={name: Tenant(name, name.title(), (Connection(name, "till"),)) for name in TENANTS},
            warehouse=open_warehouse(settings),
            landing=open_landing(settings),
        )
        self.builds = 0

    def found(self) -> None:
        """Write the script, and take both tenants on board."""
        scripts = self.folder / "scripts" / "financial"
        scripts.mkdir(parents=True)
        (scripts / "bill_total.sql").write_text(_SCRIPT, encoding="utf-8")
        with self.runtime.control.transaction("test") as connection:
            for name in TENANTS:
                row = {"tenant_id": name, "title": name.title(), "state": "active"}
                changes.insert(connection, tables.tenant, row)

    def furnish(self) -> House:
        """Found it with three bills of each tenant with the same ids, published; one more of each is rejected."""
        self.found()
        for tenant in TENANTS:
            for number in (1, 2, 3):
                self.put(tenant, number)
            self.put(tenant, 9, status=f"bad {tenant[:4]}")
            (result,) = self.load(tenant)
            assert result.status == "loaded", result.message
        self.publish()
        return self

    def another(self, folder: Path) -> House:
        """Return one that is furnished alike and lives a life of its own from here on."""
        if not self.runtime.warehouse.is_embedded:
            return House(folder).furnish()  # a folder's copy has no part of a server's tables
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        copy = House(folder)
        copy.source.bills.update(deepcopy(self.source.bills))
        copy.builds = self.builds
        return copy

    def move(self, tenant: str, state: str) -> None:
        """Change a tenant's state."""
        with self.runtime.control.transaction("test") as connection:
            changes.update(connection, tables.tenant, {"tenant_id": tenant}, {"state": state})

    def put(self, tenant: str, number: int, **more: object) -> None:
        """Write a bill that carries its tenant's words."""
        bill = Bill(number, f"note of {tenant}", f"{number}@{tenant}.example")
        self.source.bills.setdefault(tenant, {})[number] = replace(bill, **more)

    def load(self, tenant: str, mode: str = "daily") -> list[LoadResult]:
        return load_source(self.runtime, self.source, mode, tenants=[tenant], who="test")

    def publish(self) -> None:
        """Build gold of both tenants from bronze and publish it."""
        self.builds += 1
        with self.runtime.warehouse.session("build") as session:
            build_gold(session, "shared")
            keys = {GOLD: ("_tenant_id", "id")}
            publish(session, self.runtime, [GOLD, ("gold", "shared")], keys, f"build {self.builds}")
            write_status(session, self.runtime)

    def close(self, tenant: str, day: date = date(2026, 11, 30)) -> Closing:
        """Close a day for one tenant and publish what readers see then."""
        closing, _ = close_and_publish(self.runtime, CloseRequest(day, [tenant], "a test"))
        return closing

    def access(self, tenant: str, *without: Permission, of: str | None = None) -> TenantAccess:
        """Open a tenant's data for a principal (of that tenant, or ``of`` another) with all other permissions."""
        allowed = frozenset(Permission) - set(without)
        return TenantAccess(self.runtime, tenant, Principal(of or tenant, "reader", allowed))
