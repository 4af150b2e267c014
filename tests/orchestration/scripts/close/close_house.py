"""A warehouse with the sales of two tenants, and a folder of scripts to close days with."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.publication.published_reader import connect_published
from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts.close.outcome import Closed, CloseRequest, Closing
from orchestration.scripts.close.publishing import close_and_publish
from orchestration.settings import Settings

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
HEADER = "/* title: Test\n   owner: finance\n   description: A test. */\nDECLARE @as_of date;\n"
TOTAL = (
    "SELECT CAST(SUM(s.amount) AS decimal(18, 2)) AS total, CAST(COUNT(*) AS int) AS sales "
    "INTO finance.total FROM silver.sale AS s;"
)
TWICE = "SELECT CAST(t.total + t.total AS decimal(18, 2)) AS twice INTO finance.doubled FROM finance.total AS t;"
_SEED = """
CREATE SCHEMA silver;
CREATE TABLE silver.sale (_tenant_id VARCHAR, id INTEGER, customer VARCHAR, amount DECIMAL(18, 2));
INSERT INTO silver.sale VALUES ('acme', 1, 'Ada', 2.50), ('globex', 1, 'Eve', 7.00)"""


@dataclass(frozen=True)
class CloseHouse:
    """An installation below ``folder``."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.folder / "home",
            scripts_dir=self.folder / "scripts",
            tenants_file=self.folder / "tenants.yaml",
            sources_dir=self.folder / "sources",
            close_retention_days=int(os.environ.get("STRATA_CLOSE_RETENTION_DAYS", "400")),
            lock_wait_seconds=60,
            threads=1,
            _env_file=None,
        )

    @cached_property
    def runtime(self) -> Runtime:
        return open_runtime(self.settings)

    def found(self) -> None:
        """Write two scripts, the second of which comes first by name, and sell a little."""
        (self.folder / "scripts" / "financial").mkdir(parents=True)
        (self.folder / "sources").mkdir()
        (self.folder / "tenants.yaml").write_text("tenants: {acme: {title: A}, globex: {title: G}}", encoding="utf-8")
        self.write("a_twice", TWICE)
        self.write("b_total", TOTAL)
        with self.runtime.warehouse.session("seed") as session:
            session.con.execute(_SEED)

    def write(self, name: str, body: str, *, header: str = HEADER) -> Path:
        """Write a script."""
        path = self.folder / "scripts" / "financial" / f"{name}.sql"
        path.write_text(header + body, encoding="utf-8")
        return path

    def check(self, name: str, text: str) -> Path:
        """Write the checks of a script."""
        path = self.folder / "scripts" / "financial" / f"{name}.checks.sql"
        path.write_text(text, encoding="utf-8")
        return path

    def remove(self, name: str) -> None:
        """Remove a script."""
        (self.folder / "scripts" / "financial" / f"{name}.sql").unlink()

    def sell(self, tenant: str, amount: str) -> None:
        """Add a sale."""
        self.sql(f"INSERT INTO silver.sale VALUES ('{tenant}', 2, 'Bob', {amount})")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the warehouse."""
        with self.runtime.warehouse.session("test") as session:
            return session.execute(statement)

    def close(self, day: date = DAY, *tenants: str, reason: str = "", show_older: bool = False) -> dict[str, Closed]:
        """Close and publish a day; returns what came of each tenant."""
        found = self.closing(day, *tenants, reason=reason, show_older=show_older).tenants
        return {item.tenant: item for item in found}

    def closing(self, day: date = DAY, *tenants: str, reason: str = "", show_older: bool = False) -> Closing:
        """Close and publish a day."""
        request = CloseRequest(day, tenants or None, reason, show_older, who="test")
        return close_and_publish(self.runtime, request)[0]

    def published(self, table: str) -> list[tuple[str, ...]]:
        """Return what other processes read of a table, as text."""
        with closing(connect_published(self.settings)) as con:
            return as_text(con.execute(f"SELECT * FROM finance.{table} ORDER BY ALL").fetchall())

    def shown(self, table: str) -> list[tuple[str, ...]]:
        """Return what a reader of the warehouse sees of a table, as text."""
        return as_text(self.sql(f"SELECT * FROM finance.{table} ORDER BY ALL"))

    def history(self, table: str, columns: str = "* EXCLUDE (_close_id)") -> list[tuple[str, ...]]:
        """Return what is kept of a table, as text."""
        return as_text(self.sql(f"SELECT {columns} FROM finance_history.{table} ORDER BY ALL"))


def as_text(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in rows]


def house_in(folder: Path) -> CloseHouse:
    """Make an installation."""
    house = CloseHouse(folder)
    house.found()
    return house
