"""Every statement of outbox and queue is one that SQL Server understands: collected while they do all they do.

No SQL Server is asked. What is collected runs on SQLite; each statement is compiled for SQL Server and read by a parser
of its language.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlglot
from sqlalchemy import ClauseElement, Connection, TextClause, event
from sqlalchemy.dialects import mssql

from orchestration.control import changes, tables
from orchestration.delivery import consumers, registry
from orchestration.delivery.deliveries import Selection, list_deliveries, show
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.late import oldest_due
from orchestration.delivery.outbox import held
from orchestration.delivery.queue import clock, received
from orchestration.delivery.queue.forget import forget
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.rescue import renew, rescue
from orchestration.delivery.replay import cancel, replay
from orchestration.delivery.table_status import table_status
from orchestration.delivery.terms import Terms
from orchestration.settings import load_settings

from .outbox.outbox_scene import Scene
from .queue.queue_scene import LEASE, NOW, end, enqueue, register, take

FAILED = DeliveryFailure.SERVER_ERROR
LATER = 4_000_000_000_000
_SQLITE_ALONE = re.compile(
    r"\b(LIMIT|OFFSET \d|ON CONFLICT|RETURNING|FOR UPDATE|SELECT EXISTS|json_each|julianday)\b", re.IGNORECASE
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(load_settings(home=tmp_path / "home", _env_file=None))
    made.set_up()
    return made


def collect(scene: Scene, deeds: list[Callable[[Scene], None]]) -> list[ClauseElement]:
    """Return every construct that deeds execute in the control plane."""
    seen: list[ClauseElement] = []

    def keep(_connection: Connection, construct: Any, *_: Any) -> None:
        seen.append(construct)

    event.listen(scene.runtime.control.engine, "before_execute", keep)
    try:
        for deed in deeds:
            deed(scene)
    finally:
        event.remove(scene.runtime.control.engine, "before_execute", keep)
    return seen


def gather_and_hold(scene: Scene) -> None:
    """Gather versions and events, at once and in windows, in lanes and without."""
    scene.register("acme", "each")
    scene.register("acme", "window", terms=Terms(quiet_seconds=5, longest_wait_seconds=60))
    scene.register("globex", "loose", terms=Terms(ordering="none"), events=("gold.table.updated", "load.failed"))
    scene.gather()
    for amount in (1, 2):
        scene.publish(("acme", 1, amount), ("globex", 1, amount))
        scene.record("load.failed", "globex", "crm/account")
        scene.gather(1)
    scene.gather(100)
    held.sweep(scene.runtime)


def send_and_settle(scene: Scene) -> None:
    """Send well and badly, renew, lose a lease, open and close a breaker, wait for hours, go by a rate."""
    control = scene.runtime.control
    wish = register(control, ("initech", "r1"), retries=(1,) * 3)
    enqueue(control, wish, 3, lane="gold.usage", version=1)
    enqueue(control, register(control, ("initech", "slow"), rate_per_second=1), 3)
    enqueue(control, register(control, ("initech", "hours"), hours="06:00-08:00", days="mon-fri", timezone="UTC"))
    claimed = take(control)
    with control.transaction("worker") as connection:
        renew(connection, NOW, claimed, LEASE)
    end(control, NOW, claimed[:1])
    end(control, NOW, claimed[1:], FAILED)
    enqueue(control, wish, 20)
    end(control, NOW, take(control, room=Room(10, 10, 10)), FAILED)
    end(control, NOW + 30_000, take(control, NOW + 30_000))
    take(control, NOW + 60_000)
    with control.transaction("worker") as connection:
        rescue(connection, LATER)
        promote(connection, LATER, 10)


def look_and_mend(scene: Scene) -> None:
    """Do what people do: look, replay, cancel, pause, resume, move, disable, remove, forget."""
    control = scene.runtime.control
    wish = register(control, ("hooli", "r1"), retries=())
    first, *_ = enqueue(control, wish, 4)
    end(control, NOW, take(control, room=Room(2, 2, 2)), FAILED)
    show(control, "hooli", first)
    list_deliveries(control, Selection("hooli", states=("dead",)))
    with control.reading() as connection:
        table_status(connection, NOW)
        oldest_due(connection, NOW, reachable=True)
    replay(control, Selection("hooli"), "ann@desk")
    replay(control, Selection("hooli"), "ann@desk")  # finds nothing, and looks for the reason
    cancel(control, Selection("hooli", delivery_id=first), "ann@desk")
    with control.transaction("ops", "hooli") as connection:
        registry.set_state(connection, wish.place, "paused")
        registry.set_state(connection, wish.place, "active")
        registry.change(connection, replace(wish, terms=msgspec.structs.replace(wish.terms, priority=0)))
        registry.set_state(connection, wish.place, "disabled", "gone")
        registry.remove(connection, wish.place)
        consumers.add(connection, "hooli", "other", "", "other@example.com")
        changes.update(connection, tables.tenant, {"tenant_id": "hooli"}, {"state": "suspended"})
    with control.transaction("worker") as connection:
        forget(connection, LATER, 1)


def test_every_statement_of_outbox_and_queue_is_one_of_sql_server(scene: Scene) -> None:
    seen = collect(scene, [gather_and_hold, send_and_settle, look_and_mend])
    texts: set[str] = set()
    for construct in seen:
        if isinstance(construct, TextClause):
            assert construct.text in clock._NOW.values(), construct.text
        else:
            texts.add(_for_sql_server(construct))
    assert len(texts) > 60  # they did do what they do
    for text in texts:
        assert not _SQLITE_ALONE.search(text), text
        parsed = sqlglot.parse_one(text, read="tsql")
        assert not parsed.find(sqlglot.exp.Command), text


def _for_sql_server(construct: ClauseElement) -> str:
    if getattr(construct, "_post_values_clause", None) is not None:  # the insert of what is missing: one for each kind
        construct = received._missing("mssql")
    return str(construct.compile(dialect=mssql.dialect(), compile_kwargs={"render_postcompile": True}))


def test_what_is_claimed_passes_over_what_others_hold_there_too(scene: Scene) -> None:
    texts = {
        _for_sql_server(item)
        for item in collect(scene, [send_and_settle])
        if not isinstance(item, TextClause) and "TOP" in _for_sql_server(item)
    }
    claims = [text for text in texts if "ORDER BY delivery.rank" in text]
    assert claims
    assert all("WITH (UPDLOCK, ROWLOCK, READPAST, READCOMMITTEDLOCK)" in text for text in claims)
