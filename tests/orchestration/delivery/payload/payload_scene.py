"""An installation with one published table of two tenants, and deliveries of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestration.delivery.channels.channel import Message
from orchestration.delivery.events.catalogue import ROWS_CHANGED, TABLE_UPDATED
from orchestration.delivery.payload.compose import compose
from orchestration.delivery.queue.claimed import Claimed, Event
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.publication import publish as publishing
from orchestration.publication.log import PublishedVersion
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import apply, open_warehouse

TABLE = ("gold", "bill")
KEY = ("_tenant_id", "id")
_SEED = """
CREATE SCHEMA gold;
CREATE TABLE gold.bill (_tenant_id VARCHAR, id BIGINT, note VARCHAR, amount DECIMAL(18,2), paid_on DATE, _hidden INT);
INSERT INTO gold.bill SELECT tenant, number, 'note of ' || tenant, number + 0.10, DATE '2026-01-31', 1
FROM (VALUES ('acme'), ('globex')) t(tenant), range(1, 4) r(number)"""


@dataclass
class Scene:
    """Publishes, and composes what a registration of acme's gets."""

    folder: Path
    runtime: Runtime = field(init=False)
    key: tuple[str, ...] = KEY

    def __post_init__(self) -> None:
        settings = Settings(home=self.folder / "home", scripts_dir=self.folder / "scripts", _env_file=None)
        self.runtime = Runtime(settings, {}, {}, open_warehouse(settings), None)
        with self.runtime.warehouse.session("set up") as session:
            apply.apply(session)
            session.con.execute(_SEED)
        self.publish()

    def publish(self, *statements: str) -> list[PublishedVersion]:
        with self.runtime.warehouse.session("publish") as session:
            for statement in statements:
                session.execute(statement)
            return publishing.publish(session, self.runtime, [TABLE], {TABLE: self.key}, "build")

    def registration(self, payload: str = "changes", form: str = "json", **more: Any) -> Registration:
        wish = Registration(
            tenant="acme",
            registration_id="bills",
            consumer="bi",
            title="Bills",
            events=(ROWS_CHANGED if payload == "changes" else TABLE_UPDATED,),
            tables=(TABLE,),
            columns=(),
            where=(),
            payload=payload,
            format=form,
            channel="webhook",
            settings={},
            endpoint="e1",
            terms=Terms(),
        )
        return replace(wish, **more)

    def claimed(self, wish: Registration, before: int | None, version: int, **data: Any) -> Claimed:
        key = [name for name in self.key if name != "_tenant_id"]
        event = Event(
            key=f"gold.bill@{version}",
            type=wish.events[0],
            subject="gold.bill",
            version=version,
            data={"key": key, **data},
            occurred_at=1_764_547_200_000,
        )
        return Claimed(
            tenant=wish.tenant,
            delivery_id="msg_1",
            registration_id=wish.registration_id,
            endpoint_id="e1",
            subject="gold.bill",
            lane="gold.bill",
            attempt=1,
            events=(event,),
            event_count=1,
            from_version=before,
            to_version=version,
        )

    def compose(self, wish: Registration, before: int | None, version: int, largest: int = 1 << 20) -> Message | None:
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return compose(self.runtime, wish, self.claimed(wish, before, version), scratch, largest_body=largest)

    def compose_claimed(self, wish: Registration, claimed: Claimed) -> Message:
        message = compose(self.runtime, wish, claimed, self.folder, largest_body=1 << 20)
        assert message is not None
        return message

    def document(self, wish: Registration, before: int | None, version: int) -> dict[str, Any]:
        message = self.compose(wish, before, version)
        assert message is not None
        document: dict[str, Any] = json.loads(message.body)
        return document

    def changes(self, wish: Registration, before: int | None, version: int) -> list[tuple[str, int]]:
        """Return what happened to which id."""
        rows = self.document(wish, before, version)["data"]["rows"]
        return [(row["_change"], row["id"]) for row in rows]
