"""What is published becomes an outbox row for each registration that wants it, once."""

from __future__ import annotations

from typing import Any

import pytest
from outbox_scene import START, USAGE, Scene

from orchestration.control.delivery_tables import delivery_cursor
from orchestration.delivery import registry
from orchestration.delivery.events.catalogue import LOAD_FAILED, TABLE_UPDATED
from orchestration.delivery.outbox import gather as gathering
from orchestration.delivery.outbox.gather import Gathered
from orchestration.delivery.outbox.news import read_news
from orchestration.delivery.terms import Terms


def test_a_new_version_becomes_a_delivery_for_who_asked_for_the_table(either: Scene) -> None:
    either.register()
    either.register(name="usage", tables=(USAGE,))
    either.publish(("acme", 1, 10), ("acme", 2, 20))
    assert either.gather() == Gathered(versions=1, deliveries=1)
    (row,) = either.outbox()
    assert (row["registration_id"], row["event_key"], row["version"]) == ("bills", "gold.bill@1", 1)
    assert row["data"] == {"table": "gold.bill", "version": 1, "key": ["id"], "inserted": 2, "updated": 0, "deleted": 0}
    (delivery,) = either.deliveries()
    assert (delivery["state"], delivery["lane"], delivery["due_at"]) == ("ready", "gold.bill", START)
    assert (delivery["delivery_id"], delivery["to_version"]) == (row["delivery_id"], 1)


def test_the_same_tick_again_writes_nothing_new(either: Scene) -> None:
    either.register()
    either.publish(("acme", 1, 10))
    either.gather()
    before = either.outbox(), either.deliveries()
    assert not either.gather()
    with either.runtime.control.transaction("test") as connection:  # as if the cursor came from an older backup
        connection.execute(delivery_cursor.update().values(position=0))
    assert either.gather() == Gathered(versions=1)
    assert (either.outbox(), either.deliveries()) == before


def test_a_tenant_whose_rows_are_the_same_hears_nothing(scene: Scene) -> None:
    for tenant in ("acme", "globex"):
        scene.register(tenant)
    scene.publish(("acme", 1, 10), ("globex", 1, 10))
    scene.gather()
    scene.publish(("globex", 1, 11))
    scene.gather()
    assert [(row["tenant_id"], row["version"]) for row in scene.outbox()] == [("acme", 1), ("globex", 1), ("globex", 2)]
    assert scene.outbox(version=2)[0]["data"]["updated"] == 1


def test_later_versions_of_a_table_are_blocked_by_the_first(either: Scene) -> None:
    either.register()
    for amount in range(3):
        either.publish(("acme", 1, amount))
    either.gather()
    assert [(row["to_version"], row["state"]) for row in either.deliveries()] == [
        (1, "ready"), (2, "blocked"), (3, "blocked"),
    ]  # fmt: skip


def test_without_an_order_nothing_is_blocked(scene: Scene) -> None:
    scene.register(terms=Terms(ordering="none"))
    for amount in range(3):
        scene.publish(("acme", 1, amount))
    scene.gather()
    assert {row["state"] for row in scene.deliveries()} == {"ready"}


def test_an_event_goes_to_its_tenant_and_one_of_nobody_to_all(scene: Scene) -> None:
    for tenant in ("acme", "globex"):
        scene.register(tenant, "failures", events=(LOAD_FAILED,), tables=())
    scene.record(LOAD_FAILED, "acme", "salesforce/account", source="salesforce")
    scene.record(LOAD_FAILED, None, "everything")
    scene.gather()
    assert [(row["tenant_id"], row["subject"]) for row in scene.outbox()] == [
        ("acme", "salesforce/account"), ("acme", "everything"), ("globex", "everything"),
    ]  # fmt: skip


def test_what_was_published_before_a_registration_came_is_not_for_it(scene: Scene) -> None:
    scene.publish(("acme", 1, 10))
    scene.register()
    assert scene.gather() == Gathered(versions=1)
    scene.publish(("acme", 1, 11))
    scene.gather()
    assert [row["version"] for row in scene.outbox()] == [2]


def test_a_paused_registration_collects_and_a_disabled_or_removed_one_does_not(scene: Scene) -> None:
    for name in ("paused", "disabled", "removed"):
        scene.register(name=name, events=(TABLE_UPDATED,))
    with scene.runtime.control.transaction("test") as connection:
        registry.set_state(connection, ("acme", "paused"), "paused")
        registry.set_state(connection, ("acme", "disabled"), "disabled")
        registry.remove(connection, ("acme", "removed"))
    scene.publish(("acme", 1, 10))
    scene.gather()
    assert [row["registration_id"] for row in scene.outbox()] == ["paused"]


def test_a_backlog_is_gone_through_in_steps_and_nothing_is_skipped(scene: Scene) -> None:
    scene.register(terms=Terms(ordering="none"))
    for amount in range(7):
        scene.publish(("acme", 1, amount))
    steps = []
    while step := scene.gather(limit=3):
        steps.append(step.versions)
    assert steps == [3, 3, 1]
    assert sorted(row["version"] for row in scene.outbox()) == [1, 2, 3, 4, 5, 6, 7]


def test_two_who_gather_the_same_news_write_it_once(either: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    either.register()
    either.publish(("acme", 1, 10))
    others: list[Gathered] = []

    def overtaken(*arguments: Any) -> Any:
        news = read_news(*arguments)
        monkeypatch.setattr(gathering, "read_news", read_news)
        others.append(either.gather())
        return news

    monkeypatch.setattr(gathering, "read_news", overtaken)
    assert either.gather().deliveries == 0
    assert [step.deliveries for step in others] == [1]
    assert len(either.outbox()) == len(either.deliveries()) == 1
