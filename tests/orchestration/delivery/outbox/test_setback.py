"""A warehouse that is restored or made anew, beside a control plane that goes on."""

from __future__ import annotations

import shutil

import pytest
from outbox_scene import BILL, Scene
from sqlalchemy import insert

from orchestration.control.delivery_tables import progress
from orchestration.control.trail import read_trail


@pytest.fixture
def anew(scene: Scene) -> Scene:
    """Three versions were delivered; then the warehouse was lost with everything it had published."""
    scene.register()
    for amount in range(3):
        scene.publish(("acme", 1, amount))
    scene.gather()
    with scene.runtime.control.transaction("test") as connection:
        row = {"tenant_id": "acme", "registration_id": "bills", "schema_name": "gold", "table_name": "bill"}
        connection.execute(insert(progress).values(**row, version=3, delivered_at=1))
    scene.settings.warehouse_file.unlink()
    shutil.rmtree(scene.settings.published_dir / BILL[0])
    made = Scene(scene.settings, scene.now)
    made.set_up_warehouse()
    return made


def test_the_newest_version_is_delivered_though_its_number_was_before(anew: Scene) -> None:
    for amount in (6, 7):
        anew.publish(("acme", 1, amount))
    assert anew.gather().deliveries == 1
    assert [row["event_key"] for row in anew.outbox()] == ["gold.bill@2"]
    assert anew.rows(progress) == [], "what was received is of another world: the next delivery is whole"
    assert not anew.gather()


def test_what_comes_after_is_delivered_as_ever(anew: Scene) -> None:
    anew.publish(("acme", 1, 6))
    anew.gather()
    anew.publish(("acme", 1, 7))
    assert anew.gather().deliveries == 1
    assert [row["event_key"] for row in anew.outbox()] == ["gold.bill@1", "gold.bill@2"]


def test_it_stands_in_the_audit_trail(anew: Scene) -> None:
    anew.publish(("acme", 1, 6))
    anew.gather()
    (entry,) = [entry for entry in read_trail(anew.runtime.control) if entry.action == "set back"]
    assert entry.before == {"publications": 3}
