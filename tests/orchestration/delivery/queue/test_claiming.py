"""What is claimed, by whom, in which order, and what became of it."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import update

from orchestration.control import Control, changes, tables
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.rescue import renew, rescue

from .queue_scene import (
    LEASE,
    NOW,
    ROOM,
    end,
    endpoint_of,
    enqueue,
    failures_of,
    ids,
    register,
    row_of,
    state_of_registration,
    states,
    take,
    version_of,
)

pytestmark = pytest.mark.proves("Queue of deliveries: claims, leases, retries, replays")

FAILED = DeliveryFailure.SERVER_ERROR


def tick(control: Control, now: int) -> int:
    """Take over from the dead and make ready what is due."""
    with control.transaction("worker") as connection:
        return rescue(connection, now) + promote(connection, now, 100)


def test_the_databases_clock_is_the_time_of_day(control: Control) -> None:
    import time

    with control.reading() as connection:
        assert abs(database_now(connection) - time.time() * 1000) < 5_000


def test_a_delivery_is_claimed_once_with_its_events_and_settled(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish)
    (item,) = take(control)
    assert (item.delivery_id, item.attempt, item.place) == (name, 1, ("acme", "r1"))
    assert [event.data for event in item.events] == [{"number": 0}]
    assert take(control) == []
    assert end(control, NOW + 5, [item], status_code=204) == []
    row = row_of(control, name)
    assert (row.state, row.finished_at, row.lease_token, row.attempts) == ("delivered", NOW + 5, None, 1)
    assert failures_of(control, name) == [""]


def test_failed_attempts_follow_the_timetable_and_the_last_one_is_a_dead_letter(control: Control) -> None:
    wish = register(control, retries=(5, 300))
    (name,) = enqueue(control, wish)
    now = NOW
    for pause in (5, 300):
        end(control, now, take(control, now), FAILED, message="500", answer="oops")
        row = row_of(control, name)
        assert row.state == "waiting"
        assert 0.8 * pause * 1000 <= row.due_at - now <= 1.2 * pause * 1000
        assert take(control, now) == []
        assert tick(control, row.due_at - 1) == 0
        assert tick(control, row.due_at) == 1
        now = row.due_at
    end(control, now, take(control, now), FAILED)
    row = row_of(control, name)
    assert (row.state, row.attempts, row.failure) == ("dead", 3, "server_error")
    assert failures_of(control, name) == ["server_error"] * 3


def test_what_another_attempt_would_only_repeat_is_dead_at_once(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish)
    end(control, NOW, take(control), DeliveryFailure.AUTHENTICATION, is_permanent=True)
    assert row_of(control, name).state == "dead"
    assert state_of_registration(control, wish)[0] == "active"


def test_an_endpoint_that_is_gone_disables_its_registration_and_cancels_what_waits(control: Control) -> None:
    wish = register(control)
    first, second = enqueue(control, wish, 2)
    end(control, NOW, take(control, room=Room(1, 1, 1)), DeliveryFailure.GONE, is_permanent=True)
    assert (row_of(control, first).state, row_of(control, second).state) == ("dead", "cancelled")
    assert state_of_registration(control, wish) == ("disabled", "Its endpoint answered that it is gone for good (410).")


def test_a_version_that_was_received_moves_progress_and_an_older_one_moves_nothing(control: Control) -> None:
    wish = register(control)
    (newer,) = enqueue(control, wish, version=7)
    (item,) = take(control)
    assert (item.from_version, item.to_version) == (None, 7)
    end(control, NOW, [item])
    assert version_of(control, wish) == 7
    (older,) = enqueue(control, wish, version=3)
    (item,) = take(control)
    assert item.from_version == 7
    end(control, NOW, [item])
    assert version_of(control, wish) == 7
    assert states(control) == {"delivered": 2}
    assert newer != older


def test_a_repetition_tells_the_same_difference_as_the_attempt_before(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, version=4)
    end(control, NOW, take(control), FAILED)
    enqueue(control, wish, version=5)
    end(control, NOW, take(control))  # 5 overtakes 4, which waits
    tick(control, NOW + 10_000)
    (item,) = take(control, NOW + 10_000)
    assert (item.attempt, item.from_version, item.to_version) == (2, None, 4)


def test_of_a_lane_one_is_out_until_it_is_final_and_then_the_next_goes(control: Control) -> None:
    wish = register(control, retries=())
    first, second, third = enqueue(control, wish, 3, lane="gold.usage", version=1)
    seen = []
    for failure in (None, FAILED, None):
        items = take(control)
        assert len(items) == 1
        seen += ids(items)
        end(control, NOW, items, failure)
        tick(control, NOW)
    assert seen == [first, second, third]
    # The dead one lost nothing: the next tells the difference to what was received before.
    assert row_of(control, third).from_version == 1


def test_who_comes_after_its_lease_is_not_heard(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish)
    (zombie,) = take(control)
    assert tick(control, NOW + LEASE) == 0
    assert tick(control, NOW + LEASE + 1) == 1
    (heir,) = take(control, NOW + LEASE + 1)
    assert heir.attempt == 2
    assert ids(end(control, NOW + LEASE + 2, [zombie], FAILED)) == [name]
    assert end(control, NOW + LEASE + 3, [heir]) == []
    assert row_of(control, name).state == "delivered"
    assert failures_of(control, name) == ["crashed", ""]


def test_a_lease_that_is_renewed_does_not_run_out(control: Control) -> None:
    enqueue(control, register(control))
    (item,) = take(control)
    with control.transaction("worker") as connection:
        assert renew(connection, NOW + LEASE - 1, [item], LEASE) == []
    assert tick(control, NOW + LEASE + 1) == 0
    assert tick(control, NOW + 2 * LEASE) == 1
    with control.transaction("worker") as connection:
        assert renew(connection, NOW + 2 * LEASE, [item], LEASE) == [item]


def test_what_kills_its_worker_every_time_ends_as_a_dead_letter(control: Control) -> None:
    wish = register(control, retries=(1, 1, 1))
    (name,) = enqueue(control, wish)
    now = NOW
    for attempt in (1, 2, 3, 4):
        (item,) = take(control, now)
        assert item.attempt == attempt
        now += LEASE + 1
        tick(control, now)
    row = row_of(control, name)
    assert (row.state, row.failure, row.attempts) == ("dead", "crashed", 4)
    assert failures_of(control, name) == ["crashed"] * 4


def test_who_was_only_near_when_a_worker_died_is_tried_apart_from_the_others(control: Control) -> None:
    enqueue(control, register(control), 3)
    take(control)
    tick(control, NOW + LEASE + 1)
    assert len(take(control, NOW + LEASE + 1)) == 3  # once, anybody may be hit
    now = NOW + 2 * LEASE + 2
    assert tick(control, now) == 3
    first = take(control, now)
    assert [len(first), len(take(control, now))] == [1, 0]
    end(control, now, first)
    assert len(take(control, now)) == 1


def test_a_tenant_with_a_storm_leaves_room_for_the_others(control: Control) -> None:
    storm, calm = register(control, ("storm", "r")), register(control, ("calm", "r"))
    enqueue(control, storm, 300, at=NOW - 1000)
    enqueue(control, calm, 20)
    taken = take(control, room=Room(40, 40, 40))
    assert Counter(item.tenant for item in taken) == {"calm": 20, "storm": 20}
    assert Counter(item.tenant for item in take(control, room=Room(40, 40, 40))) == {"storm": 40}


def test_an_endpoint_that_is_busy_keeps_no_other_of_its_tenant_waiting(control: Control) -> None:
    slow, quick = register(control, ("acme", "slow")), register(control, ("acme", "quick"))
    enqueue(control, slow, 50, at=NOW - 1000)
    enqueue(control, quick, 5)
    room = Room(40, 10, 40, {("acme", slow.endpoint): 10})
    assert {item.registration_id for item in take(control, room=room)} == {"quick"}
    assert take(control, room=Room(40, 10, 10, {("acme", slow.endpoint): 10})) == []


def test_what_is_more_urgent_goes_first_but_whoever_waited_longer_than_that_before_it(control: Control) -> None:
    urgent, usual = register(control, ("acme", "u"), priority=0), register(control, ("acme", "n"), priority=5)
    with control.transaction("test") as connection:  # one address for both, so that they stand in one line
        registry.change(connection, usual)
    usual_ids = enqueue(control, usual, 1, at=NOW)
    long_ago = enqueue(control, usual, 1, at=NOW - 6 * 60_000)
    urgent_ids = enqueue(control, urgent, 1, at=NOW)
    _one_endpoint(control, urgent.endpoint)
    order = [ids(take(control, room=Room(1, 1, 1)))[0] for _ in range(3)]
    assert order == [*long_ago, *urgent_ids, *usual_ids]


def _one_endpoint(control: Control, endpoint_id: str) -> None:
    from orchestration.control.delivery_tables import delivery

    with control.transaction("test") as connection:
        connection.execute(update(delivery).values(endpoint_id=endpoint_id))


def test_a_rate_is_kept_and_says_when_there_is_room_again(control: Control) -> None:
    from orchestration.delivery.queue.claim import claim

    enqueue(control, register(control, rate_per_second=10), 30)
    assert len(take(control)) == 10
    with control.transaction("worker") as connection:
        again = claim(connection, NOW + 50, ROOM, lease_ms=LEASE)
    assert (again.claimed, again.wake_at) == ([], NOW + 101)
    assert len(take(control, NOW + 101)) == 1
    assert len(take(control, NOW + 100_000)) == 10


def test_a_suspended_tenants_deliveries_wait_and_go_on(control: Control) -> None:
    enqueue(control, register(control))
    for state, claimed in (("suspended", 0), ("active", 1)):
        with control.transaction("test") as connection:
            changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"state": state})
        assert len(take(control)) == claimed


def test_a_paused_registrations_deliveries_are_put_aside_and_go_on_when_it_is_resumed(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, 3)
    with control.transaction("test") as connection:
        registry.set_state(connection, wish.place, "paused")
    assert take(control) == []
    assert tick(control, NOW + 10**9) == 0
    with control.transaction("test") as connection:
        registry.set_state(connection, wish.place, "active")
        assert promote(connection, database_now(connection), 100) == 3
    assert len(take(control)) == 3


def test_a_removed_registrations_deliveries_are_cancelled(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, 2)
    under_way = take(control, room=Room(1, 1, 1))
    with control.transaction("test") as connection:
        registry.remove(connection, wish.place)
    assert states(control) == {"leased": 1, "cancelled": 1}
    end(control, NOW, under_way, FAILED)
    assert states(control) == {"cancelled": 2}


def test_what_waits_goes_to_the_new_address_of_its_registration(control: Control) -> None:
    from dataclasses import replace

    wish = register(control)
    enqueue(control, wish)
    moved = replace(wish, endpoint=registry.endpoint_id("webhook", "elsewhere"))
    with control.transaction("test") as connection:
        registry.change(connection, moved)
    assert [item.endpoint_id for item in take(control)] == [moved.endpoint]


def test_deliveries_wait_for_the_hours_in_which_they_are_taken(control: Control) -> None:
    # NOW is Friday, 15 January 2027, 08:00 in UTC.
    wish = register(control, hours="06:00-08:00", days="mon-fri", timezone="UTC")
    (name,) = enqueue(control, wish)
    assert take(control) == []
    row = row_of(control, name)
    assert (row.state, row.due_at) == ("waiting", NOW + (2 * 24 + 22) * 3_600_000)
    tick(control, row.due_at)
    assert ids(take(control, row.due_at)) == [name]


def test_the_breaker_opens_lets_one_probe_through_and_opens_for_longer(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, 30)
    end(control, NOW, take(control, room=Room(10, 10, 10)), FAILED)
    assert (endpoint_of(control, wish).failures, endpoint_of(control, wish).open_until) == (10, NOW + 30_000)
    assert take(control, NOW + 29_999) == []
    probe = take(control, NOW + 30_000)
    assert len(probe) == 1
    assert take(control, NOW + 30_001) == []  # one at a time
    end(control, NOW + 30_002, probe, FAILED)
    assert endpoint_of(control, wish).open_until == NOW + 30_002 + 60_000


def test_attempts_that_were_under_way_when_the_breaker_opened_open_it_no_further(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, 40)
    end(control, NOW, take(control, room=Room(40, 40, 40)), FAILED)
    row = endpoint_of(control, wish)
    assert (row.failures, row.trips, row.open_until) == (40, 1, NOW + 30_000)


def test_when_the_breaker_closes_what_waited_for_a_retry_is_due_one_after_another(control: Control) -> None:
    wish = register(control, retries=(3600,))
    failing = enqueue(control, wish, 10)
    enqueue(control, wish)
    end(control, NOW, take(control, room=Room(10, 10, 10)), FAILED)
    now = NOW + 30_000
    end(control, now, take(control, now))
    row = endpoint_of(control, wish)
    assert (row.failures, row.failing_since, row.open_until, row.trips) == (0, None, None, 0)
    assert sorted(row_of(control, name).due_at for name in failing) == [now + 10 * step for step in range(10)]


def test_an_endpoint_that_only_failed_for_five_days_is_given_up(control: Control) -> None:
    wish = register(control, retries=(1,) * 20)
    enqueue(control, wish, 3)
    five_days = 5 * 24 * 3_600_000
    end(control, NOW, take(control, room=Room(1, 1, 1)), FAILED)
    end(control, NOW + five_days - 1, take(control, NOW + five_days - 1, room=Room(1, 1, 1)), FAILED)
    assert state_of_registration(control, wish)[0] == "active"
    end(control, NOW + five_days, take(control, NOW + five_days, room=Room(1, 1, 1)), FAILED)
    state, reason = state_of_registration(control, wish)
    assert (state, "five days" in reason) == ("disabled", True)
    assert states(control) == {"cancelled": 3}


def test_what_is_given_back_has_cost_no_attempt(control: Control) -> None:
    (name,) = enqueue(control, register(control))
    end(control, NOW, take(control), deferred_until=NOW + 1000)
    assert (row_of(control, name).attempts, row_of(control, name).state) == (0, "waiting")
    assert failures_of(control, name) == []


def test_what_differs_in_nothing_is_skipped_and_moves_progress(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish, version=2)
    end(control, NOW, take(control), is_skipped=True)
    assert (row_of(control, name).state, version_of(control, wish)) == ("skipped", 2)
    assert failures_of(control, name) == []
