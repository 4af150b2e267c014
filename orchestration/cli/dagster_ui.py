"""Dagster's own processes: how they start and how all of them end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

from orchestration.cli.console import say
from orchestration.definitions.main_job import prepare_dagster_home
from orchestration.failures import SettingsError
from orchestration.settings import PROJECT, Settings

WORKSPACE = PROJECT / "workspace.yaml"
_PATIENCE_SECONDS = 15
_QUIET = "ignore:Function `dev_command` is superseded:FutureWarning"
"""Its users cannot follow what Dagster advises at every start: ``dg dev`` is for projects of another layout."""


def stop_on_signals() -> None:
    """Let Ctrl-C, a closed terminal and ``kill`` end the program in order, as KeyboardInterrupt.

    Handlers also give the children default signals. Started by ``&`` in a script, dagster dev would
    inherit "ignore" for INT and TERM, and killing it then orphans its code servers.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def serve_dagster(settings: Settings, port: int) -> int:
    """Run ``dagster dev`` until it ends or somebody ends us; returns its exit code, 0 after Ctrl-C.

    Raises:
        SettingsError: the port is taken.
    """
    _require_free(port)
    environment = os.environ | {
        "DAGSTER_HOME": str(prepare_dagster_home(settings)),
        "STRATA_HOME": str(settings.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    dagster = [sys.executable, "-W", _QUIET, "-m", "dagster"]
    command = [*dagster, "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(  # noqa: S603 (our own command)
        command, env=environment, cwd=PROJECT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    over = threading.Event()
    threading.Thread(target=_relay, args=(process, over), daemon=True).start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        say("Stopping Dagster and its code locations; this takes up to 20 s …")
        return 0
    finally:
        over.set()
        _end_group(process)


def _relay(process: subprocess.Popen[bytes], over: threading.Event) -> None:
    """Show what Dagster says until it is told to end.

    A code server that is interrupted while it loads answers with a traceback; nobody has to read it.
    """
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    for line in process.stdout:
        if not over.is_set():
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SettingsError(f"Port {port} is taken.", f"Choose another: make ui PORT={port + 1}") from None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End Dagster and all it started: politely, then firmly, then for good."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            process.poll()  # a dead child counts as alive until it is looked at
            if not _alive(process.pid):
                return
            time.sleep(0.1)


def _alive(group: int) -> bool:
    """Say whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
