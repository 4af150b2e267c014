"""Dies on the way from a publication to the outbox; the home and the control plane are those of the environment.

``gather_until.py publish`` dies between commit and export. ``gather_until.py gather`` lets a child of
itself gather and die before its first statement in the control plane, another before its second, and so on until
one lives, and prints after each what the outbox then holds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from outbox_scene import Scene
from sqlalchemy import event

from orchestration.publication import publish as publishing
from orchestration.settings import load_settings


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def publish_and_die(scene: Scene) -> None:
    publishing.export_logs = die
    scene.publish(("acme", 1, 99))


def gather_and_die(scene: Scene) -> None:
    with scene.runtime.control.reading():
        pass  # what is found out once for each process is not counted
    scene.runtime.control.engine.dispose()
    for statements in count(1):
        child = os.fork()
        if child == 0:
            gather_until(scene, statements)
        lived = os.waitpid(child, 0)[1] == 0
        keys = [f"{row['registration_id']} {row['event_key']}" for row in scene.outbox()]
        sys.stdout.write(json.dumps({"keys": keys, "deliveries": len(scene.deliveries())}) + "\n")
        sys.stdout.flush()
        scene.runtime.control.engine.dispose()
        if lived:
            return


def gather_until(scene: Scene, statements: int) -> None:
    left = iter(range(statements - 1))
    event.listen(scene.runtime.control.engine, "before_cursor_execute", lambda *_: next(left, None) is None and die())
    scene.gather()
    os._exit(0)


if __name__ == "__main__":
    {"publish": publish_and_die, "gather": gather_and_die}[sys.argv[1]](Scene(load_settings(_env_file=None)))
