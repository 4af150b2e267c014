"""Versions that deliveries need stay, under a second name, however many come after; what nobody needs goes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from outbox_scene import BILL, Scene
from sqlalchemy import insert, update

from orchestration.control.delivery_tables import delivery, progress
from orchestration.delivery.outbox import held
from orchestration.publication import holding
from orchestration.publication import publish as publishing
from orchestration.tenancy.removal import steps


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget old versions, and judge held ones, without the minutes that readers are given."""
    monkeypatch.setattr(publishing, "READERS_LEAVE_AFTER", timedelta(0))
    monkeypatch.setattr(held, "YOUNG_SECONDS", 0)


def versions_there(scene: Scene) -> list[int]:
    return [number for number in range(1, 20) if holding.version_path(scene.settings, BILL, number)]


def publish_times(scene: Scene, times: int, start: int = 0) -> None:
    for amount in range(start, start + times):
        scene.publish(("acme", 1, amount), ("globex", 1, amount))


def finish(scene: Scene, version: int) -> None:
    """Deliver what there is, so that the registration has received a version."""
    with scene.runtime.control.transaction("test") as connection:
        connection.execute(update(delivery).values(state="delivered"))
        row = {"tenant_id": "acme", "registration_id": "bills", "schema_name": "gold", "table_name": "bill"}
        connection.execute(insert(progress).values(**row, version=version, delivered_at=1))


def test_versions_of_waiting_deliveries_stay(scene: Scene) -> None:
    scene.register()
    for amount in range(4):
        scene.publish(("acme", 1, amount))
        scene.gather()
    assert held.sweep(scene.runtime) == 0
    assert versions_there(scene) == [1, 2, 3, 4]


def test_versions_that_deliveries_have_not_read_yet_stay(scene: Scene) -> None:
    scene.register()
    publish_times(scene, 1)
    scene.gather()
    publish_times(scene, 5, start=1)
    assert versions_there(scene) == [1, 2, 3, 4, 5, 6]
    scene.gather()
    assert [row["data"]["updated"] for row in scene.outbox()] == [0, 1, 1, 1, 1, 1]


def test_where_nobody_is_delivered_to_nothing_is_held(scene: Scene) -> None:
    publish_times(scene, 5)
    scene.gather()
    assert versions_there(scene) == [4, 5]
    assert holding.held_files(scene.settings) == []


def test_the_version_received_last_stays_and_those_before_it_go(scene: Scene) -> None:
    scene.register()
    for amount in range(5):
        scene.publish(("acme", 1, amount))
        scene.gather()
    finish(scene, 3)
    assert held.sweep(scene.runtime) == 4
    assert versions_there(scene) == [3, 4, 5]


def test_a_held_version_is_the_same_file_and_costs_no_room(scene: Scene) -> None:
    scene.register()
    publish_times(scene, 1)
    scene.gather()
    (second,) = holding.held_files(scene.settings)
    assert second.samefile(holding.version_path(scene.settings, BILL, 1) or Path())


def test_where_links_are_refused_a_copy_is_held(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    scene.register()
    publish_times(scene, 1)
    scene.gather()
    (second,) = holding.held_files(scene.settings)
    first = holding.version_path(scene.settings, BILL, 1)
    assert first is not None
    assert not second.samefile(first)
    assert second.read_bytes() == first.read_bytes()


def test_a_young_name_is_not_judged(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.register()
    publish_times(scene, 3)
    scene.gather()
    finish(scene, 3)
    monkeypatch.setattr(held, "YOUNG_SECONDS", 60)
    assert held.sweep(scene.runtime) == 0


def test_a_removed_tenants_rows_go_from_held_versions_too(scene: Scene) -> None:
    scene.register()
    publish_times(scene, 4)
    scene.gather()
    clear = dict(steps())["published versions"]
    clear(scene.runtime, "acme")
    files = [*scene.settings.published_dir.glob("gold/bill/*.parquet"), *holding.held_files(scene.settings)]
    assert len(files) > len(holding.held_files(scene.settings)) > 0
    for path in files:
        assert duckdb.sql(f"SELECT DISTINCT _tenant_id FROM read_parquet('{path}')").fetchall() == [("globex",)]


def test_a_name_that_stands_for_an_erased_file_is_given_anew(scene: Scene) -> None:
    publish_times(scene, 1)
    holding.hold(scene.settings, BILL, 1)
    path = holding.version_path(scene.settings, BILL, 1)
    assert path is not None
    path.with_suffix(".part").write_bytes(b"rewritten")
    path.with_suffix(".part").replace(path)
    assert holding.hold(scene.settings, BILL, 1)
    assert [file.read_bytes() for file in holding.held_files(scene.settings)] == [b"rewritten"]
