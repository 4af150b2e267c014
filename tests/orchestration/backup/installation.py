"""What tests of backups do again and again: fill an installation, look at all of it, destroy it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bench import Bench
from sqlalchemy import select

from orchestration.control import changes, open_control, tables
from orchestration.publication.pointer import published_tables, read_pointer
from orchestration.publication.publish import publish
from orchestration.publication.published_reader import connect_published
from orchestration.publication.status import write_status
from orchestration.settings import Settings

GOLD = ("gold", "invoice_total")
State = dict[str, list[tuple[Any, ...]]]


class Installation(Bench):
    """The shop loaded into bronze, summed up in gold, published, and a control plane beside it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder, settings)

    @property
    def home(self) -> Path:
        return self.settings.home

    def fill(self, rows: int = 50) -> None:
        """Load and build once, with everything a home may hold."""
        self.sell(range(rows))
        self.day("daily")
        self.decide("acme is on board")
        (self.home / "control" / "pepper").write_text("hot")
        (self.home / "control" / "pepper").chmod(0o600)

    def sell(self, keys: range, status: str = "open", minutes: float = 0) -> None:
        for key in keys:
            self.shop().put(key, status, f"{key}.50", minutes)

    def day(self, mode: str) -> None:
        """Load, build gold and publish it."""
        failures = [result.message for result in self.load(mode) if result.status == "failed"]
        assert failures == [], failures
        with self.warehouse.session("build") as session:
            session.execute("CREATE SCHEMA IF NOT EXISTS gold")
            session.execute(
                "CREATE OR REPLACE TABLE gold.invoice_total AS SELECT status, count(*) AS invoices, sum(amount) AS "
                "amount FROM bronze_shop.invoice WHERE _deleted_at IS NULL GROUP BY status"
            )
            publish(session, self.runtime, [GOLD], {GOLD: ("status",)}, "build")
            write_status(session, self.runtime)

    def decide(self, title: str, tenant: str = "acme", state: str = "active") -> None:
        """Change a tenant in the control plane."""
        with open_control(self.settings).transaction("test") as connection:
            known = connection.execute(select(tables.tenant).where(tables.tenant.c.tenant_id == tenant)).first()
            values = {"title": title, "state": state}
            if known:
                changes.update(connection, tables.tenant, {"tenant_id": tenant}, values)
            else:
                changes.insert(connection, tables.tenant, {"tenant_id": tenant, **values})

    def decisions(self) -> list[tuple[Any, ...]]:
        """Every tenant, and the whole audit trail."""
        with open_control(self.settings).reading() as connection:
            tenants = connection.execute(select(tables.tenant).order_by(tables.tenant.c.tenant_id)).all()
            trail = connection.execute(select(tables.audit).order_by(tables.audit.c.at)).all()
        return [tuple(row) for row in (*tenants, *trail)]

    def state(self) -> State:
        """Every row of every table of the warehouse, what readers see, and the control plane."""
        with self.warehouse.session("look") as session:
            tables = session.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
            )
            state: State = {
                f"{schema}.{table}": session.execute(f'SELECT * FROM "{schema}"."{table}" ORDER BY ALL')
                for schema, table in tables
            }
        with connect_published(self.settings) as con:
            for schema, table in published_tables(self.settings):
                state[f"published {schema}.{table}"] = con.execute(
                    f'SELECT * FROM "{schema}"."{table}" ORDER BY ALL'
                ).fetchall()
                pointer = read_pointer(self.settings, (schema, table))
                state[f"pointer {schema}.{table}"] = [(pointer.version, pointer.path, pointer.rows)]
        state["control"] = self.decisions()
        return state

    def truth(self) -> list[tuple[Any, ...]]:
        """What the source has now."""
        with self.shop().db() as db:
            return [tuple(row) for row in db.execute("SELECT id, status FROM invoice ORDER BY id")]

    def destroy(self) -> None:
        shutil.rmtree(self.home)
