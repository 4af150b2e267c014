"""An installation that publishes two tables of two tenants, and registrations for them, on SQLite or PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from orchestration.control import changes, tables
from orchestration.control.delivery_tables import delivery, outbox
from orchestration.delivery import consumers, registry
from orchestration.delivery.events.catalogue import ROWS_CHANGED
from orchestration.delivery.outbox.gather import Gathered, gather
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.publication.event_log import NewEvent, record_events
from orchestration.publication.exported import export_logs
from orchestration.publication.log import PublishedVersion
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import apply, open_warehouse

TENANTS = ("acme", "globex")
BILL, USAGE = ("gold", "bill"), ("gold", "usage")
KEYS = dict.fromkeys((BILL, USAGE), ("_tenant_id", "id"))
START = 4_000_000_000_000
"""The queue's clock where a test begins: after all that a test can have published, for it is in the year 2096."""


@dataclass
class Scene:
    """Publishes, registers and gathers; ``now`` is the queue's clock."""

    settings: Settings
    now: int = START

    def __post_init__(self) -> None:
        self.runtime = Runtime(self.settings, {}, {}, open_warehouse(self.settings), None)  # type: ignore[arg-type]

    def set_up(self) -> None:
        self.set_up_warehouse()
        self.add_tenants()

    def add_tenants(self) -> None:
        with self.runtime.control.transaction("test") as connection:
            for name in TENANTS:
                changes.insert(connection, tables.tenant, {"tenant_id": name, "title": name, "state": "active"})
                consumers.add(connection, name, "bi", "", "bi@example.com")

    def set_up_warehouse(self) -> None:
        with self.runtime.warehouse.session("set up") as session:
            apply.apply(session)
            session.execute("CREATE SCHEMA gold")
            for _, table in (BILL, USAGE):
                session.execute(f"CREATE TABLE gold.{table} (_tenant_id VARCHAR, id BIGINT, amount BIGINT)")

    def register(self, tenant: str = "acme", name: str = "bills", *, terms: Terms | None = None, **more: Any) -> None:
        usual = {"events": (ROWS_CHANGED,), "tables": (BILL,), "payload": "changes", "channel": "webhook"}
        usual |= {"settings": {"url": {"value": "https://example.com/hook"}}}
        wish = Registration(
            tenant=tenant,
            registration_id=name,
            consumer="bi",
            title=name,
            columns=(),
            where=(),
            format="json",
            endpoint="e1",
            terms=terms or Terms(),
            **{**usual, **more},
        )
        with self.runtime.control.transaction("test") as connection:
            registry.add(connection, wish)

    def publish(self, *rows: tuple[str, int, int], table: tuple[str, str] = BILL) -> list[PublishedVersion]:
        """Upsert rows (tenant, id, amount) and publish."""
        with self.runtime.warehouse.session("publish") as session:
            self._upsert(session, rows, table)
            return publish(session, self.runtime, [table], KEYS, "build")

    def _upsert(self, session: Any, rows: tuple[tuple[str, int, int], ...], table: tuple[str, str]) -> None:
        for tenant, number, amount in rows:
            name = ".".join(table)
            session.execute(f"DELETE FROM {name} WHERE _tenant_id = ? AND id = ?", [tenant, number])
            session.execute(f"INSERT INTO {name} VALUES (?, ?, ?)", [tenant, number, amount])

    def record(self, kind: str, tenant: str | None, subject: str, times: int = 1, **data: Any) -> None:
        with self.runtime.warehouse.session("record") as session:
            with session.transaction():
                record_events(session, [NewEvent(kind, tenant, subject, data)] * times)
            export_logs(session, self.settings)

    def gather(self, after_seconds: float = 0, limit: int = 1000) -> Gathered:
        self.now += int(after_seconds * 1000)
        return gather(self.runtime, self.now, limit=limit)

    def rows(self, table: Table, **where: Any) -> list[dict[str, Any]]:
        with self.runtime.control.reading() as connection:
            conditions = [table.c[name] == value for name, value in where.items()]
            found = connection.execute(select(table).where(*conditions).order_by(*table.primary_key.columns))
            return [dict(row) for row in found.mappings()]

    def deliveries(self, **where: Any) -> list[dict[str, Any]]:
        return self.rows(delivery, **where)

    def outbox(self, **where: Any) -> list[dict[str, Any]]:
        return self.rows(outbox, **where)
