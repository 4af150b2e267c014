"""Killed anywhere between a publication and the outbox, nothing is lost and nothing comes twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from outbox_scene import Scene

from orchestration.delivery.terms import Terms
from orchestration.publication.exported import copy_path, mend_logs, publications

PROGRAM = Path(__file__).parent / "gather_until.py"


def run(scene: Scene, what: str) -> subprocess.CompletedProcess[str]:
    url = scene.settings.control_url
    environment = {**os.environ, "STRATA_HOME": str(scene.settings.home)}
    environment |= {"STRATA_CONTROL_URL": url.get_secret_value()} if url else {}
    return subprocess.run(
        [sys.executable, PROGRAM, what], env=environment, check=False, stdout=subprocess.PIPE, text=True
    )


def keys(scene: Scene) -> list[tuple[str, str]]:
    return [(row["registration_id"], row["event_key"]) for row in scene.outbox()]


def test_a_publication_killed_before_its_export_is_delivered_all_the_same(scene: Scene) -> None:
    scene.register()
    assert run(scene, "publish").returncode == -signal.SIGKILL
    assert publications(scene.settings, 0, 10) == []
    assert scene.gather().versions == 1
    assert keys(scene) == [("bills", "gold.bill@1")]


def test_looking_again_costs_nothing_until_the_warehouse_is_written_to(scene: Scene) -> None:
    scene.publish(("acme", 1, 1))
    assert mend_logs(scene.runtime)
    assert not mend_logs(scene.runtime)
    scene.publish(("acme", 1, 2))
    assert mend_logs(scene.runtime)


def test_a_lost_export_is_made_again(scene: Scene) -> None:
    scene.register()
    scene.publish(("acme", 1, 1))
    copy_path(scene.settings, "publication_log").unlink()
    assert scene.gather().versions == 1


def test_nobody_waits_for_a_writer_to_look_for_news(scene: Scene) -> None:
    scene.register()
    scene.publish(("acme", 1, 1))
    code = (
        "import sys, time; from orchestration.runtime import open_runtime; from orchestration.settings import "
        "load_settings\nwith open_runtime(load_settings(_env_file=None)).warehouse.session('long'):\n"
        "    print('in', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "STRATA_HOME": str(scene.settings.home)}
    writer = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    began = time.monotonic()
    assert scene.gather().versions == 1
    assert time.monotonic() - began < 30
    writer.kill()
    writer.wait()
    writer.stdout.close()


@pytest.fixture(params=["scene", "postgres_scene"])
def with_news(request: pytest.FixtureRequest) -> Scene:
    """Two registrations, one with a window, and two versions that nobody has gathered."""
    made: Scene = request.getfixturevalue(request.param)
    made.register(name="all")
    made.register(name="some", terms=Terms(quiet_seconds=60))
    for amount in range(2):
        made.publish(("acme", 1, amount))
    return made


WANTED = ["all gold.bill@1", "all gold.bill@2", "some gold.bill@1", "some gold.bill@2"]


def test_a_gather_killed_before_any_of_its_statements_has_happened_or_has_not(with_news: Scene) -> None:
    done = run(with_news, "gather")
    assert done.returncode == 0
    states = [json.loads(line) for line in done.stdout.splitlines()]
    *killed, last = states
    assert len(killed) > 10
    assert {(tuple(state["keys"]), state["deliveries"]) for state in killed} == {((), 0)}, "its last statement commits"
    assert last == {"keys": WANTED, "deliveries": 3}
    assert not with_news.gather(), "what was done is not done again"
    assert sorted((row["state"], row["events"]) for row in with_news.deliveries()) == [
        ("blocked", 1), ("gathering", 2), ("ready", 1),
    ]  # fmt: skip
