"""One delivery of a lane is out at a time; when it is final the next one goes, oldest first."""

from __future__ import annotations

import threading

from outbox_scene import Scene
from sqlalchemy import update

from orchestration.control.delivery_tables import delivery
from orchestration.delivery.outbox import lanes
from orchestration.delivery.outbox.gather import gather

PLACE, LANE = ("acme", "bills"), "gold.bill"


def settle(scene: Scene, delivery_id: str) -> str | None:
    with scene.runtime.control.transaction("test") as connection:
        final = update(delivery).where(delivery.c.delivery_id == delivery_id).values(state="delivered")
        connection.execute(final)
        return lanes.release_next(connection, scene.now, PLACE, LANE)


def with_versions(scene: Scene, count: int) -> list[str]:
    scene.register()
    for amount in range(count):
        scene.publish(("acme", 1, amount))
    scene.gather()
    return [row["delivery_id"] for row in scene.deliveries()]


def test_the_next_of_a_lane_is_released_when_the_one_before_is_final(either: Scene) -> None:
    first, second, third = with_versions(either, 3)
    either.now += 5_000
    assert settle(either, first) == second
    (row,) = either.deliveries(delivery_id=second)
    assert (row["state"], row["due_at"]) == ("ready", either.now)
    assert either.deliveries(delivery_id=third)[0]["state"] == "blocked"
    assert settle(either, second) == third
    assert settle(either, third) is None


def test_nothing_is_released_while_another_of_the_lane_is_out(either: Scene) -> None:
    first, second, _ = with_versions(either, 3)
    assert settle(either, first) == second
    with either.runtime.control.transaction("test") as connection:
        assert lanes.release_next(connection, either.now, PLACE, LANE) is None


def test_a_delivery_that_comes_as_the_one_before_ends_is_never_left_blocked(postgres_scene: Scene) -> None:
    """Two transactions that do not see each other: without the lock, one would block what the other releases."""
    (last,) = with_versions(postgres_scene, 1)
    for amount in range(10, 20):
        postgres_scene.publish(("acme", 1, amount))
        begin = threading.Barrier(2)

        def settling(ends: str = last, begin: threading.Barrier = begin) -> None:
            begin.wait()
            settle(postgres_scene, ends)

        other = threading.Thread(target=settling)
        other.start()
        begin.wait()
        gather(postgres_scene.runtime, postgres_scene.now)
        other.join()
        (row,) = postgres_scene.deliveries(state="ready")
        last = row["delivery_id"]
