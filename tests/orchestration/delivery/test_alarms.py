"""People hear of deliveries that no longer arrive: once for each cause, and once more when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import insert, update

from orchestration.control.delivery_tables import delivery
from orchestration.delivery import alarms, registry
from orchestration.delivery.outbox import cursor
from orchestration.failures import Busy
from orchestration.settings import load_settings

from .outbox.outbox_scene import START, Scene

_numbers = count(1)
BILLS, USAGE = ("acme", "bills"), ("acme", "usage")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two registrations of one consumer, to which nothing has been delivered yet."""
    made = Scene(load_settings(home=tmp_path / "home", lock_wait_seconds=0.2, _env_file=None))
    made.set_up()
    for tenant, name in (BILLS, USAGE):
        made.register(tenant, name)
    return made


def write(scene: Scene, place: tuple[str, str], state: str, number: int) -> None:
    """Write deliveries that ended so."""
    rows = [
        {
            "tenant_id": place[0],
            "delivery_id": f"msg_{next(_numbers):026}",
            "registration_id": place[1],
            "endpoint_id": "e1",
            "subject": "gold.bill",
            "lane": "",
            "state": state,
            "rank": START,
            "due_at": START,
            "created_at": START,
            "first_event_at": START,
            "last_event_at": START,
            "events": 1,
        }
        for _ in range(number)
    ]
    with scene.runtime.control.transaction("test") as connection:
        connection.execute(insert(delivery), rows)


def put_away(scene: Scene, place: tuple[str, str]) -> None:
    """End what is dead of a registration, as a replay that went well does."""
    mine = (delivery.c.tenant_id == place[0]) & (delivery.c.registration_id == place[1])
    with scene.runtime.control.transaction("test") as connection:
        connection.execute(update(delivery).where(mine, delivery.c.state == "dead").values(state="delivered"))


def set_state(scene: Scene, place: tuple[str, str], state: str, reason: str = "") -> None:
    with scene.runtime.control.transaction("test") as connection:
        registry.set_state(connection, place, state, reason)


def alerts(scene: Scene, state: str = "open") -> dict[str, tuple[str, str, int]]:
    """Return alerts by subject: whose they are, what they say, how often they were raised."""
    with scene.runtime.warehouse.session("look") as session:
        rows = session.execute(
            "SELECT subject, owner, tenant_id, message, count FROM strata.alert WHERE state = ? ORDER BY subject",
            [state],
        )
    assert {tenant for _, _, tenant, _, _ in rows} <= {"acme"}
    return {str(subject): (str(owner), str(text), int(count)) for subject, owner, _, text, count in rows}


def test_many_dead_letters_of_one_cause_are_one_alert(scene: Scene) -> None:
    write(scene, BILLS, "dead", 200)
    assert alarms.tell(scene.runtime) == 1
    write(scene, BILLS, "cancelled", 1)
    assert [alarms.tell(scene.runtime) for _ in range(3)] == [0, 0, 0]
    ((subject, (owner, text, count)),) = alerts(scene).items()
    assert (subject, count) == ("deliveries of acme/bills", 1)
    assert owner == "platform"  # who sends is asked first: the consumer may not know that it was sent anything
    assert "strata dead-letters list" in text


def test_each_registration_in_trouble_is_told_and_recovers_by_itself(scene: Scene) -> None:
    write(scene, BILLS, "dead", 2)
    set_state(scene, USAGE, "disabled", "Its endpoint answered that it is gone for good (410).")
    assert alarms.tell(scene.runtime) == 2
    assert "gone for good" in alerts(scene)["deliveries of acme/usage"][1]
    put_away(scene, BILLS)
    assert alarms.tell(scene.runtime) == 0
    assert list(alerts(scene)) == ["deliveries of acme/usage"]
    assert list(alerts(scene, "recovered")) == ["deliveries of acme/bills"]
    set_state(scene, USAGE, "active")
    alarms.tell(scene.runtime)
    assert alerts(scene) == {}


def test_trouble_that_comes_back_is_a_new_alert(scene: Scene) -> None:
    write(scene, BILLS, "dead", 1)
    alarms.tell(scene.runtime)
    put_away(scene, BILLS)
    alarms.tell(scene.runtime)
    with scene.runtime.control.transaction("test") as connection:
        connection.execute(update(delivery).values(state="dead"))
    assert alarms.tell(scene.runtime) == 1
    assert (len(alerts(scene)), len(alerts(scene, "recovered"))) == (1, 1)


def test_an_alert_about_a_removed_registration_is_closed(scene: Scene) -> None:
    write(scene, BILLS, "dead", 1)
    alarms.tell(scene.runtime)
    with scene.runtime.control.transaction("test") as connection:
        registry.remove(connection, BILLS)
    alarms.tell(scene.runtime)
    assert alerts(scene) == {}


def test_who_dies_after_telling_and_before_writing_that_down_tells_nothing_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(scene, BILLS, "dead", 1)
    with monkeypatch.context() as patched:
        patched.setattr(cursor, "move", _die)
        with pytest.raises(KeyboardInterrupt):
            alarms.tell(scene.runtime)
    assert alarms.tell(scene.runtime) == 0
    assert [count for _, _, count in alerts(scene).values()] == [1]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_while_the_warehouse_is_held_nothing_is_told_and_nothing_forgotten(scene: Scene) -> None:
    write(scene, BILLS, "dead", 1)
    with _held(scene), pytest.raises(Busy):
        alarms.tell(scene.runtime)
    assert alarms.tell(scene.runtime) == 1


def test_without_trouble_the_warehouse_is_not_asked_for(scene: Scene) -> None:
    with _held(scene):
        assert alarms.tell(scene.runtime) == 0


@contextmanager
def _held(scene: Scene) -> Iterator[None]:
    """Hold the warehouse as a long build does; in a thread, for a thread's own lock lets it in again."""
    has, let_go = Event(), Event()

    def build() -> None:
        with scene.runtime.warehouse.exclusive("a long build"):
            has.set()
            let_go.wait(30)

    thread = Thread(target=build)
    thread.start()
    has.wait(30)
    try:
        yield
    finally:
        let_go.set()
        thread.join()
