"""What tests of the engine do again and again: load a source's current state and look at bronze."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from shop_source import Shop, ShopSource, shop_source

from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.load import load_source
from orchestration.contracts.extraction import Connection
from orchestration.landing.store import open_landing
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.tenants import Tenant
from orchestration.warehouse import open_warehouse


class Bench:
    """One installation with the shop as its only source and the given tenants."""

    def __init__(self, folder: Path, settings: Settings, tenants: tuple[str, ...] = ("acme",)) -> None:
        self.folder, self.settings = folder, settings
        self.tenants = {name: Tenant(name, name, (Connection(name, "shop"),)) for name in tenants}
        self.source: ShopSource = shop_source(folder)
        self.warehouse, self.landing = open_warehouse(settings), open_landing(settings)

    def contract(self, **changes: object) -> None:
        """Edit the contract."""
        self.source = replace(self.source, contract=replace(self.source.contract, **changes))

    def shop(self, tenant: str = "acme") -> Shop:
        return Shop(self.folder / f"{tenant}.sqlite")

    @property
    def runtime(self) -> Runtime:
        return Runtime(self.settings, {"shop": self.source}, self.tenants, self.warehouse, self.landing)

    def load(self, mode: str = "daily", *, tenants: tuple[str, ...] | None = None, **more: Any) -> list[LoadResult]:
        return load_source(self.runtime, self.source, mode, tenants=tenants, who="test", **more)

    def one(self, mode: str = "daily", **more: Any) -> LoadResult:
        """Load and return the only result."""
        (result,) = self.load(mode, **more)
        return result

    def query(self, sql: str, *parameters: object) -> list[tuple]:
        with self.runtime.warehouse.session("look") as session:
            return session.execute(sql, parameters)

    def bronze(self, columns: str = "id, status", tenant: str = "acme", *, tombstones: bool = False) -> list[tuple]:
        """Return live rows (or only tombstones) ordered by key."""
        which = "IS NOT NULL" if tombstones else "IS NULL"
        return self.query(
            f"SELECT {columns} FROM bronze_shop.invoice WHERE _tenant_id = ? AND _deleted_at {which} ORDER BY id",
            tenant,
        )
