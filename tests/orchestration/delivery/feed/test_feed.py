"""A feed: numbered without gaps, each delivery once, read by its own tenant alone and at the reader's pace."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import func, select, text

from orchestration.access.principal import Permission, Principal, operator
from orchestration.access.refusals import Forbidden, NotFound, Suspended
from orchestration.cli.main import main
from orchestration.control import Control, changes, tables
from orchestration.control.delivery_tables import feed_entry
from orchestration.control.isolation import holes
from orchestration.delivery.channels.channel import Endpoint, Message
from orchestration.delivery.channels.feed import CHANNEL
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.feed import FeedBehind, FeedPage, append, drop_old, read_feed
from orchestration.delivery.registration import Place
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime
from orchestration.settings import PROJECT

ACME, GLOBEX = ("acme", "bi"), ("globex", "bi")
READER = Principal("acme", "bi", frozenset({Permission.READ}))
DAY = 86_400_000
PAGE = PROJECT / "docs" / "consumer" / "feed.md"


def runtime(control: Control) -> Runtime:
    return cast("Runtime", SimpleNamespace(control=control))


def read(control: Control, place: Place = ACME, after: int = 0, who: Principal = READER, limit: int = 100) -> FeedPage:
    return read_feed(runtime(control), who, place, after, limit)


def message(number: int, **changed: Any) -> Message:
    values: dict[str, Any] = {
        "delivery_id": f"msg_{number:026d}",
        "tenant": "acme",
        "registration_id": "bi",
        "event_type": "gold.table.updated.v1",
        "subject": "gold.usage",
        "occurred_at": datetime(2026, 11, 21, 6, 30, tzinfo=UTC),
        "attempt": 1,
        "content_type": "application/cloudevents+json",
        "extension": "json",
        "sequence": number,
        "body": json.dumps({"id": number, "type": "gold.table.updated.v1", "subject": "gold.usage"}).encode(),
        **changed,
    }
    return Message(**values)


def send(control: Control, *messages: Message) -> list[str]:
    async def sending() -> list[str]:
        sender = await CHANNEL.open(Endpoint("acme", "bi", "e", {}, 30), runtime(control))
        try:
            return [item.detail for item in await asyncio.gather(*map(sender.send, messages))]
        finally:
            await sender.close()

    return asyncio.run(sending())


def positions(found: FeedPage) -> list[int]:
    return [entry.position for entry in found.entries]


def test_entries_are_read_in_their_order_from_any_position_on(control: Control) -> None:
    told = send(control, *(message(number) for number in range(1, 31)))
    assert told == [f"position {number}" for number in range(1, 31)]
    first = read(control, limit=20)
    rest = read(control, after=first.after)
    assert positions(first) + positions(rest) == list(range(1, 31))
    assert [entry.event["id"] for entry in rest.entries] == list(range(21, 31))
    assert (rest.after, rest.latest) == (30, 30)
    assert read(control, after=30).entries == []


def test_a_repeated_delivery_finds_its_entry(control: Control) -> None:
    send(control, message(1), message(2))
    assert send(control, message(2, attempt=2), message(3), message(1)) == ["position 2", "position 3", "position 1"]
    assert positions(read(control)) == [1, 2, 3]


def test_writers_at_the_same_time_leave_no_gap_and_repeat_nothing(control: Control) -> None:
    def write(worker: int) -> None:
        for number in range(10):
            with control.transaction("test") as connection:
                append(connection, 1, ACME, [(f"msg_{worker}_{number}", "{}"), (f"msg_shared_{number}", "{}")])

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(control)
    assert positions(found) == list(range(1, 51))
    assert len({entry.delivery_id for entry in found.entries}) == 50


def test_a_tenant_reads_its_own_feed_alone(control: Control) -> None:
    send(control, message(1))
    foreign = Principal("globex", "bi", frozenset({Permission.READ}))
    with pytest.raises(NotFound) as of_another:
        read(control, who=foreign)
    with pytest.raises(NotFound) as of_nobody:
        read(control, ("nobody", "bi"), who=foreign)
    assert str(of_another.value).replace("acme", "nobody") == str(of_nobody.value)
    assert read(control, GLOBEX, who=foreign).entries == []


def test_the_view_shows_a_feed_with_moments_and_a_tenant_its_own_entries(control: Control) -> None:
    with control.transaction("test") as connection:
        for place in (ACME, GLOBEX):
            append(connection, 1_795_242_600_250, place, [("msg_1", "{}")])
    with control.reading("acme") as connection:
        rows = connection.execute(text("SELECT tenant_id, position, added_at FROM feed ORDER BY tenant_id")).all()
    guarded = control.engine.dialect.name == "postgresql"
    assert [row.tenant_id for row in rows] == (["acme"] if guarded else ["acme", "globex"])
    added_at = rows[0].added_at if guarded else datetime.fromisoformat(rows[0].added_at)
    assert (rows[0].position, added_at) == (1, datetime(2026, 11, 21, 6, 30, 0, 250_000, tzinfo=UTC))


def test_a_login_made_as_the_documentation_says_reads_its_own_feed_alone(in_postgres: Control, postgres: str) -> None:
    with in_postgres.transaction("test") as connection:
        for place in (ACME, GLOBEX):
            append(connection, 1, place, [("msg_1", "{}"), ("msg_2", "{}")])
    made = next(
        block for block in re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL) if "CREATE ROLE" in block
    )
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS acme_bi")
        admin.execute(made.replace("bi-feed", "bi"))
        try:
            admin.execute("SET ROLE acme_bi")
            seen = admin.execute("SELECT tenant_id, position FROM feed WHERE position > 1").fetchall()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                admin.execute("SELECT 1 FROM registration")
        finally:
            admin.execute("RESET ROLE")
            admin.execute("DROP OWNED BY acme_bi; DROP ROLE acme_bi")
    assert seen == [("acme", 2)]
    with in_postgres.reading() as connection:
        assert holes(connection) == []


def test_who_may_not_read_and_who_is_suspended_gets_nothing(control: Control) -> None:
    with pytest.raises(Forbidden):
        read(control, who=Principal("acme", "bi", frozenset({Permission.STATUS})))
    with control.transaction("test") as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"state": "suspended"})
    with pytest.raises(Suspended):
        read(control)


@pytest.mark.parametrize("name", ["hooks", "absent"])
def test_what_is_no_feed_is_not_found(here: Control, name: str) -> None:
    with pytest.raises(NotFound):
        read(here, ("acme", name))


def test_old_entries_go_and_a_reader_who_missed_them_is_told(control: Control) -> None:
    with control.transaction("test") as connection:
        for number in range(1, 6):
            append(connection, number * DAY, ACME, [(f"msg_{number}", "{}")])
        assert drop_old(connection, 9 * DAY, ACME, days=6) == 2
    with pytest.raises(FeedBehind, match="Entries 1 to 2"):
        read(control)
    assert positions(read(control, after=2)) == [3, 4, 5]


def test_numbers_go_on_when_all_entries_are_old(control: Control) -> None:
    with control.transaction("test") as connection:
        append(connection, 0, ACME, [("msg_1", "{}"), ("msg_2", "{}")])
        drop_old(connection, 999 * DAY, ACME, days=1)
        assert append(connection, 999 * DAY, ACME, [("msg_3", "{}")]) == {"msg_3": 3}


def test_what_is_no_json_is_put_into_an_envelope(here: Control) -> None:
    send(here, message(1, content_type="text/csv", body=b"id\r\n1\r\n"), message(2, content_type="x/y", body=b"\xff\0"))
    text, raw = (entry.event for entry in read(here).entries)
    assert (text["data"], text["datacontenttype"], text["id"]) == ("id\r\n1\r\n", "text/csv", message(1).delivery_id)
    assert raw["data_base64"] == "/wA="


def test_a_message_too_large_for_an_entry_is_refused_and_others_are_not(here: Control) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        send(here, message(1, body=b"x" * 1_000_001))
    assert failed.value.failure is DeliveryFailure.TOO_LARGE
    assert send(here, message(2)) == ["position 1"]


def test_a_trial_writes_nothing(here: Control) -> None:
    send(here, message(1, is_trial=True))
    with here.reading() as connection:
        assert connection.execute(select(func.count()).select_from(feed_entry)).scalar() == 0


@pytest.mark.parametrize("days", ["0", "x", "-1", "1e3", "²"])
def test_days_that_are_none_are_refused(days: str) -> None:
    with pytest.raises(SettingsError, match="keep_days"):
        CHANNEL.check({"keep_days": days})


def test_the_command_prints_entries_and_where_to_go_on(
    here: Control, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send(here, *(message(number) for number in range(1, 4)))
    monkeypatch.setenv("STRATA_HOME", str(here.locks.parent))
    with pytest.raises(SystemExit) as ended:
        main(["feed", "read", "acme/bi", "--after", "1", "--limit", "1", "--json"])
    assert ended.value.code in {0, None}
    shown = json.loads(capsys.readouterr().out)
    assert [entry["event"]["id"] for entry in shown["entries"]] == [2]
    assert (shown["after"], shown["latest"]) == (2, 3)


def test_an_operator_reads_any_feed(here: Control) -> None:
    send(here, message(1))
    assert positions(read(here, who=operator("ops"))) == [1]
