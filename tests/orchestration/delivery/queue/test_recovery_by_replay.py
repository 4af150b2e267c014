"""An endpoint that was away for days gets everything in the end, whoever replays, and whatever else goes on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from orchestration.control import Control
from orchestration.delivery import registry
from orchestration.delivery.deliveries import Selection
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.registration import Registration
from orchestration.delivery.replay import replay

from .queue_scene import NOW, books, end, enqueue, ids, register, row_of, state_of_registration, states, take

pytestmark = pytest.mark.proves("Queue of deliveries: claims, leases, retries, replays")

FAILED = DeliveryFailure.SERVER_ERROR
DAY = 24 * 3_600_000
LATER = 4_000_000_000_000
ENDED = Selection("acme", states=("dead", "cancelled"))


def give_up(control: Control, wish: Registration) -> None:
    """Let the endpoint fail for five days, one attempt each day."""
    for day in range(6):
        with control.transaction("worker") as connection:
            promote(connection, NOW + day * DAY, 100)
        end(control, NOW + day * DAY, take(control, NOW + day * DAY, room=Room(1, 1, 1)), FAILED)
    assert state_of_registration(control, wish)[0] == "disabled"


def everything(control: Control, now: int) -> list[str]:
    """Deliver until nothing is due; return what arrived, in order."""
    arrived: list[str] = []
    while True:
        with control.transaction("worker") as connection:
            promote(connection, now, 100)
        items = take(control, now)
        if not items:
            return arrived
        arrived += ids(items)
        end(control, now, items)


def test_what_an_endpoint_missed_in_its_bad_days_is_replayed_whole_and_what_arrived_is_not(control: Control) -> None:
    wish = register(control, retries=())
    before = enqueue(control, wish, 3)
    end(control, NOW, take(control))
    missed = enqueue(control, wish, 8)
    give_up(control, wish)
    assert set(states(control)) == {"delivered", "dead", "cancelled"}
    with control.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "active")
    assert replay(control, ENDED, "ann@desk") == 8
    assert sorted(everything(control, LATER)) == missed
    assert books(control, 1).delivered == {*before, *missed}


def test_a_registration_that_was_given_up_and_resumed_is_not_given_up_by_its_next_failure(control: Control) -> None:
    wish = register(control, retries=(1,) * 20)
    enqueue(control, wish, 3)
    give_up(control, wish)
    with control.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "active")
    replay(control, ENDED, "ann@desk")
    with control.reading() as connection:
        now = database_now(connection)
    (item,) = take(control, LATER, room=Room(1, 1, 1))
    end(control, max(now, NOW + 6 * DAY), [item], FAILED)
    assert state_of_registration(control, wish)[0] == "active"


def test_two_who_replay_the_same_at_the_same_moment_send_it_once(control: Control) -> None:
    names = enqueue(control, register(control, retries=()), 20)
    end(control, NOW, take(control), FAILED)
    together = Barrier(2)

    def by(actor: str) -> int:
        together.wait()
        return replay(control, Selection("acme"), actor)

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(by, ("ann@desk", "bob@desk"))) == 20
    assert Counter(everything(control, LATER)) == Counter(names)


def test_a_replay_amid_deliveries_loses_none_and_sends_none_twice(control: Control) -> None:
    wish = register(control, retries=())
    dead = enqueue(control, wish, 5)
    end(control, NOW, take(control), FAILED)
    under_way, fresh = enqueue(control, wish, 4), enqueue(control, wish, 4)
    held = take(control, room=Room(4, 4, 4))
    assert replay(control, Selection("acme", states=("dead", "delivered")), "ann@desk") == 5
    assert end(control, NOW, held) == []  # whoever has them is still heard
    assert Counter(everything(control, LATER)) == Counter([*dead, *fresh])
    assert books(control, 1).delivered == {*dead, *fresh, *under_way}


def test_newer_versions_go_on_while_older_ones_of_the_lane_are_replayed(control: Control) -> None:
    wish = register(control, retries=())
    old = enqueue(control, wish, 2, lane="gold.usage", version=1)
    for _ in old:
        end(control, NOW, take(control), FAILED)
        with control.transaction("worker") as connection:
            promote(connection, NOW, 10)
    new = enqueue(control, wish, 1, lane="gold.usage", version=3)
    (item,) = take(control)
    assert replay(control, Selection("acme"), "ann@desk") == 2
    assert take(control, LATER) == []  # of a lane one is out at a time
    end(control, NOW, [item])
    assert [item.delivery_id, *everything(control, LATER)] == [*new, *old]
    assert {row_of(control, name).state for name in (*old, *new)} == {"delivered"}
