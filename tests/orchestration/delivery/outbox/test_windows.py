"""Debounce: one delivery a window, however many changes; never later than the longest wait, whatever the clock does."""

from __future__ import annotations

import pytest
from outbox_scene import START, USAGE, Scene

from orchestration.delivery.events.catalogue import LOAD_FAILED
from orchestration.delivery.terms import Terms

WINDOW = Terms(quiet_seconds=60, longest_wait_seconds=600)


def states(scene: Scene) -> list[tuple[str, int]]:
    return [(row["state"], row["events"]) for row in scene.deliveries()]


def test_changes_in_a_window_become_one_delivery_of_the_newest_version(either: Scene) -> None:
    either.register(terms=WINDOW)
    for amount in range(3):
        either.publish(("acme", 1, amount))
        either.gather(after_seconds=20)
    assert states(either) == [("gathering", 3)]
    assert either.gather(after_seconds=59).closed == 0
    assert either.gather(after_seconds=1).closed == 1
    (row,) = either.deliveries()
    assert (row["state"], row["to_version"], row["due_at"]) == ("ready", 3, either.now)
    assert {item["delivery_id"] for item in either.outbox()} == {row["delivery_id"]}


def test_ten_thousand_changes_are_one_delivery(scene: Scene) -> None:
    scene.register(name="failures", events=(LOAD_FAILED,), tables=(), terms=WINDOW)
    scene.record(LOAD_FAILED, "acme", "salesforce/account", times=10_000)
    while scene.gather(after_seconds=1, limit=2_500):
        pass
    scene.gather(after_seconds=60)
    assert states(scene) == [("ready", 10_000)]
    assert len(scene.outbox()) == 10_000


def test_an_endless_stream_never_waits_longer_than_the_longest_wait(scene: Scene) -> None:
    scene.register(name="failures", events=(LOAD_FAILED,), tables=(), terms=WINDOW)
    scene.record(LOAD_FAILED, "acme", "salesforce/account", times=31)
    for _ in range(31):
        scene.gather(after_seconds=40, limit=1)
    closed = [row for row in scene.deliveries() if row["state"] != "gathering"]
    assert [row["due_at"] - row["first_event_at"] for row in closed] == [600_000]
    assert sum(row["events"] for row in scene.deliveries()) == 31


def test_a_full_window_closes_at_once_and_the_next_one_opens(scene: Scene) -> None:
    scene.register(terms=Terms(quiet_seconds=60, largest_batch=2))
    for amount in range(5):
        scene.publish(("acme", 1, amount))
    scene.gather()
    assert states(scene) == [("ready", 2), ("blocked", 2), ("gathering", 1)]


def test_each_table_has_a_window_of_its_own(scene: Scene) -> None:
    scene.register(tables=(("gold", "bill"), USAGE), terms=WINDOW)
    scene.publish(("acme", 1, 1))
    scene.publish(("acme", 1, 1), table=USAGE)
    scene.gather()
    assert [row["subject"] for row in scene.deliveries()] == ["gold.bill", "gold.usage"]


def test_a_window_that_closes_while_its_lane_is_out_is_blocked(scene: Scene) -> None:
    scene.register(terms=WINDOW)
    for amount in range(2):
        scene.publish(("acme", 1, amount))
        scene.gather()
        scene.gather(after_seconds=60)
    assert states(scene) == [("ready", 1), ("blocked", 1)]


def test_a_window_outlives_who_opened_it(scene: Scene) -> None:
    """Everything begins anew but the files: what a restart is to the outbox."""
    scene.register(terms=WINDOW)
    scene.publish(("acme", 1, 1))
    scene.gather()
    later = Scene(scene.settings, START + 30_000)
    later.publish(("acme", 1, 2))
    later.gather()
    assert states(later) == [("gathering", 2)]
    assert later.gather(after_seconds=60).closed == 1


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_closes_a_window_early_and_never_late(scene: Scene, jump: int) -> None:
    scene.register(terms=WINDOW)
    scene.publish(("acme", 1, 1))
    scene.gather()
    assert scene.gather(after_seconds=jump).closed == 1
    scene.publish(("acme", 1, 2))
    scene.gather()
    first, second = scene.deliveries()
    assert (first["to_version"], second["to_version"]) == (1, 2), "the order of a lane survives the jump"
    assert second["due_at"] == scene.now + 60_000
