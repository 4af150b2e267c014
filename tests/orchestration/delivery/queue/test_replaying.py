"""Deliveries are looked at, sent again and cancelled by people; what they did is in the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.control import Control
from orchestration.control.trail import read_trail
from orchestration.delivery import registry
from orchestration.delivery.deliveries import Selection, list_deliveries, show
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.forget import forget
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.replay import cancel, replay
from orchestration.failures import SettingsError

from .queue_scene import NOW, end, endpoint_of, enqueue, ids, register, row_of, states, take, version_of

pytestmark = pytest.mark.proves("Queue of deliveries: claims, leases, retries, replays")

FAILED = DeliveryFailure.SERVER_ERROR
LATER = 4_000_000_000_000


def at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def test_a_delivery_is_shown_with_its_attempts_and_events(here: Control) -> None:
    wish = register(here)
    (name,) = enqueue(here, wish, version=3)
    end(here, NOW, take(here), FAILED, message="answered with 500", answer="boom", status_code=500)
    shown = show(here, "acme", name)
    assert (shown.delivery.state, shown.delivery.to_version, shown.delivery.failure) == ("waiting", 3, "server_error")
    assert [(item.number, item.status_code, item.answer, item.worker) for item in shown.attempts] == [
        (1, 500, "boom", "test")
    ]
    assert [item.event_key for item in shown.events] == ["gold.usage@3"]
    with pytest.raises(SettingsError, match="has no delivery 'nope'"):
        show(here, "acme", "nope")


def test_deliveries_are_found_by_tenant_registration_state_and_time(here: Control) -> None:
    early = enqueue(here, register(here, ("acme", "a")), 2, at=NOW)
    late = enqueue(here, register(here, ("acme", "b")), 2, at=NOW + 1000)
    other = enqueue(here, register(here, ("globex", "a")), 1, at=NOW)

    def found(**wanted: object) -> set[str]:
        return {item.delivery_id for item in list_deliveries(here, Selection(**wanted))}  # type: ignore[arg-type]

    assert found() == {*early, *late, *other}
    assert found(tenant="acme") == {*early, *late}
    assert found(tenant="acme", registration="b") == set(late)
    assert found(since=at(NOW + 1)) == set(late)
    assert found(until=at(NOW + 1000)) == {*early, *other}
    assert found(states=("dead",)) == set()
    with pytest.raises(SettingsError, match="'lost' is no state"):
        Selection(states=("lost",))


def test_dead_letters_are_replayed_under_their_ids_with_fresh_attempts(control: Control) -> None:
    wish = register(control, retries=())
    names = enqueue(control, wish, 3)
    end(control, NOW, take(control), FAILED)
    assert states(control) == {"dead": 3}
    assert replay(control, Selection("acme"), "ann@desk") == 3
    items = take(control, LATER)
    assert sorted(ids(items)) == names
    assert {item.attempt for item in items} == {1}
    end(control, LATER, items)
    assert [item.number for item in show(control, "acme", names[0]).attempts] == [1, 2]
    (entry,) = [entry for entry in read_trail(control, "acme") if entry.action == "replay"]
    assert (entry.actor, entry.after) == ("ann@desk", {"deliveries": 3, "selection": "acme"})
    assert replay(control, Selection("acme"), "ann@desk") == 0  # twice does nothing more


def test_a_delivered_one_is_replayed_when_it_is_named_and_moves_nothing_back(here: Control) -> None:
    wish = register(here)
    first, _ = enqueue(here, wish, 2, version=1)
    end(here, NOW, take(here))
    replay(here, Selection("acme", delivery_id=first), "ann@desk")
    (item,) = take(here, LATER)
    assert (item.delivery_id, item.from_version, item.to_version) == (first, None, 1)
    end(here, LATER, [item])
    assert version_of(here, wish) == 2


def test_replayed_ones_of_a_lane_take_their_turns(control: Control) -> None:
    wish = register(control)
    names = enqueue(control, wish, 3, lane="gold.usage", version=1)
    for _ in names:
        end(control, NOW, take(control))
        with control.transaction("worker") as connection:
            promote(connection, NOW, 10)
    replay(control, Selection("acme", states=("delivered",)), "ann@desk")
    assert states(control) == {"ready": 1, "blocked": 2}
    seen = []
    for _ in names:
        with control.transaction("worker") as connection:
            promote(connection, LATER, 10)
        items = take(control, LATER)
        seen += ids(items)
        end(control, LATER, items)
    assert seen == names


def test_a_replay_tries_an_endpoint_that_was_left_alone(here: Control) -> None:
    wish = register(here, retries=())
    enqueue(here, wish, 10)
    end(here, LATER, take(here, LATER), FAILED)
    assert endpoint_of(here, wish).open_until > LATER
    replay(here, Selection("acme"), "ann@desk")
    assert len(take(here, LATER)) == 1  # a probe


def test_what_is_under_way_or_of_a_disabled_registration_is_not_replayed(here: Control) -> None:
    wish = register(here, retries=())
    under_way, dead = enqueue(here, wish, 2)
    items = take(here)
    end(here, NOW, items[1:], FAILED)
    with pytest.raises(SettingsError, match=f"{under_way} is no final delivery.*leased"):
        replay(here, Selection("acme", delivery_id=under_way), "ann@desk")
    with here.transaction("test") as connection:
        registry.set_state(connection, wish.place, "disabled", "gone")
    with pytest.raises(SettingsError, match=r"acme/r1 is disabled\. gone"):
        replay(here, Selection("acme", delivery_id=dead), "ann@desk")


def test_what_waits_is_cancelled_and_the_next_of_its_lane_goes_on(control: Control) -> None:
    wish = register(control)
    first, second = enqueue(control, wish, 2, lane="gold.usage", version=1)
    assert cancel(control, Selection("acme", delivery_id=first), "ann@desk") == 1
    assert (row_of(control, first).state, row_of(control, second).state) == ("cancelled", "ready")
    assert [entry.action for entry in read_trail(control, "acme")][-1] == "cancel"
    with pytest.raises(SettingsError, match="neither waiting nor dead"):
        cancel(control, Selection("acme", delivery_id=first), "ann@desk")


def test_a_dead_letter_is_put_away_only_by_who_names_it(here: Control) -> None:
    enqueue(here, register(here, retries=()), 2)
    end(here, NOW, take(here), FAILED)
    assert cancel(here, Selection("acme"), "ann@desk") == 0
    assert cancel(here, Selection("acme", states=("dead",)), "ann@desk") == 2


def test_what_ended_long_ago_is_forgotten_but_no_dead_letter(control: Control) -> None:
    wish = register(control, retries=())
    done, failed = enqueue(control, wish, 2)
    items = {item.delivery_id: item for item in take(control)}
    end(control, NOW, [items[done]])
    end(control, NOW, [items[failed]], FAILED)
    day = 24 * 3_600_000
    for now, left in ((NOW + 90 * day, {done, failed}), (NOW + 90 * day + 1, {failed})):
        with control.transaction("worker") as connection:
            forget(connection, now, 90)
        assert {item.delivery_id for item in list_deliveries(control, Selection())} == left
    assert len(show(control, "acme", failed).events) == 1


def test_what_a_paused_registration_keeps_is_due_at_no_time_and_says_why(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish)
    assert show(control, "acme", name).delivery.held == ""
    with control.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "paused")
    take(control)  # puts it aside
    (listed,) = list_deliveries(control, Selection("acme"))
    assert (listed.state, listed.due_at, listed.held) == ("waiting", None, "the registration is paused")
    assert show(control, "acme", name).delivery == listed


def test_to_replay_for_a_disabled_registration_says_that_it_is(here: Control) -> None:
    wish = register(here, ("acme", "f410"), retries=())
    enqueue(here, wish)
    end(here, NOW, take(here), FAILED)
    with here.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "disabled", "It answered 410.")
    for meant in (Selection("acme", "f410"), Selection("acme"), Selection()):
        with pytest.raises(SettingsError, match=r"acme/f410 is disabled\. It answered 410\.") as refused:
            replay(here, meant, "ann@desk")
        assert "strata registration resume acme/f410" in (refused.value.remedy or "")
    assert replay(here, Selection("globex"), "ann@desk") == 0
