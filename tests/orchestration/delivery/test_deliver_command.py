"""``strata deliver`` as a process: asked to stop, it ends what is under way; asked twice, it ends at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestration.control import Control, open_control
from orchestration.settings import load_settings

from .queue.queue_scene import enqueue, register, states

LONG_AGO = 1_700_000_000_000
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Answers after a while; ``seconds`` is how long that is."""

    url: str = ""
    seconds: float = 0.0
    arrived: list[str] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            kept.arrived.append(self.headers["webhook-id"])
            time.sleep(kept.seconds)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield kept
        server.shutdown()


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRATA_DELIVERY_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("STRATA_TEST_SIGNING_KEY", KEY)
    return open_control(load_settings())


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestration.cli", "deliver", "--json", *options]
    return subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def outcome(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return process.returncode, json.loads(out)


def test_once_sends_what_is_due_and_ends(control: Control, receiver: Receiver) -> None:
    names = enqueue(control, register(control, url=receiver.url), 30, at=LONG_AGO)
    _, told = outcome(start("--once"))
    assert (told["delivered"], told["failed"]) == (30, 0)
    assert sorted(receiver.arrived) == names
    _, told = outcome(start("--once"))
    assert told["delivered"] == 0
    assert len(receiver.arrived) == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_what_is_under_way_and_leaves_the_rest_to_others(
    control: Control, receiver: Receiver, number: signal.Signals
) -> None:
    receiver.seconds = 0.5
    names = enqueue(control, register(control, url=receiver.url), 60, at=LONG_AGO)
    process = start("--concurrency", "8")
    wait_for(process, lambda: receiver.arrived)
    process.send_signal(number)
    _, told = outcome(process)
    assert 0 < told["delivered"] < 60
    assert sorted(set(receiver.arrived)) == sorted(receiver.arrived)
    assert states(control) == {"delivered": told["delivered"], "ready": 60 - told["delivered"]}
    assert len(receiver.arrived) == told["delivered"]
    assert set(receiver.arrived) <= set(names)


def test_asked_twice_it_ends_at_once_and_what_it_had_stays_leased_until_another_takes_over(
    control: Control, receiver: Receiver
) -> None:
    receiver.seconds = 25
    enqueue(control, register(control, url=receiver.url), 2, at=LONG_AGO)
    process = start()
    wait_for(process, lambda: len(receiver.arrived) == 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for what is under way
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert states(control) == {"leased": 2}


def test_it_takes_in_and_sends_what_comes_while_it_runs(control: Control, receiver: Receiver) -> None:
    wish = register(control, url=receiver.url)
    process = start()
    for count in (1, 2):
        enqueue(control, wish, 1, at=LONG_AGO)
        wait_for(process, lambda count=count: len(receiver.arrived) == count)
    process.send_signal(signal.SIGINT)
    assert outcome(process)[1]["delivered"] == 2
