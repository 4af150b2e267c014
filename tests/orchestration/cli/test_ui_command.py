"""``strata ui`` serves every code location, and leaves nothing behind when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from orchestration.settings import PROJECT

QUERY = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def locations(port: int) -> dict[str, str]:
    """Ask Dagster for its locations; empty while it starts."""
    body = json.dumps({"query": QUERY}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 (our own server)
            entries = json.load(reply)["data"]["workspaceOrError"].get("locationEntries", [])
    except OSError:
        return {}
    return {entry["name"]: (entry["locationOrLoadError"] or {}).get("__typename", "loading") for entry in entries}


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """The file that holds what the program printed."""
    return tmp_path / "said"


@pytest.fixture
def ui(
    home: Path, said: Path, new_warehouse: Callable[[], dict[str, str]]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)],
        stdout=said.open("ab"),
        stderr=subprocess.STDOUT,
        env=os.environ | new_warehouse(),
        # As `make ui &` in a script does: the shell makes background jobs ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None,  # noqa: PLW1509
    )
    yield process, port
    if process.poll() is None:
        process.terminate()
        process.wait(60)


def _require_plain(told: str) -> None:
    """What is printed has neither tracebacks nor advice to Dagster's own users, and ends by saying that it ends."""
    assert "Traceback" not in told
    assert "SupersessionWarning" not in told
    assert "Stopping Dagster" in told.splitlines()[-1]


def test_every_location_is_served_until_it_is_interrupted(ui: tuple[subprocess.Popen[bytes], int], said: Path) -> None:
    process, port = ui
    expected = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    names = {entry["python_module"]["location_name"] for entry in expected}
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and "loading" in (found := locations(port) or {"": "loading"}).values():
        assert process.poll() is None
        time.sleep(0.5)
    assert found == dict.fromkeys(names, "RepositoryLocation")
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    _require_plain(said.read_text(encoding="utf-8"))
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert [item.name() for item in alive if item.status() != psutil.STATUS_ZOMBIE] == []


def test_an_interruption_while_the_locations_load_is_quiet(ui: tuple[subprocess.Popen[bytes], int], said: Path) -> None:
    process, _port = ui
    deadline = time.monotonic() + 120
    while b"Launching Dagster services" not in said.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)  # the code servers are in the middle of their imports
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    _require_plain(said.read_text(encoding="utf-8"))
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert [item.name() for item in alive if item.status() != psutil.STATUS_ZOMBIE] == []


def test_a_taken_port_is_told_with_another_to_try(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 3
    assert f"PORT={port + 1}" in done.stderr
