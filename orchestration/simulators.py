"""The life of simulators: started for whoever needs them, shared, and stopped by the last to leave.

A simulator is a server process of its own, so that several commands can use one.
Under ``home/simulation/`` a source has a folder for its server's data, a state
file (the running server's address), a lock for starting and stopping, and a file
that every user holds a shared lock on for the life of its process: whoever can
lock it alone at its exit is the last user and stops the server. Locks die with
their process: a server that a killed process left behind is taken over by the next
command, or stopped by a watcher (``simulator_watch.py``) when none comes.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, Protocol, cast

from filelock import FileLock
from pydantic import SecretStr

from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import SourceSystem
from orchestration.failures import ConnectionFailed, SettingsError, StrataError
from orchestration.settings import PROJECT, Settings

Address = Mapping[str, str]
"""What one needs to reach a running server; kept as JSON in a file that only its owner may read."""


class Simulator(Protocol):
    """What ``source_systems/<name>/simulator.py`` offers, as functions of the module.

    ``place`` is the tenant, or ``tenant__instance`` for a further connection; each
    place has data of its own on the one server. All functions are called under the
    source's lock, so they need not fear each other.
    """

    def start(self, folder: Path) -> Address:
        """Start the server as a process that outlives this one, wait until it answers, and return its address.

        It listens on loopback, on an ephemeral port, and keeps its data in ``folder``,
        which may be left from an earlier or a killed server.
        """
        ...

    def is_running(self, address: Address) -> bool:
        """Say whether the server at an address answers; never raises."""
        ...

    def bring_to(self, address: Address, place: str, day: int, *, seed: int, size: int) -> None:
        """Make a place's data if there is none, then apply the world's days up to ``day``.

        Each day is one transaction together with the place's own day counter; a place
        that is already there, or further, is left alone.

        Raises:
            SettingsError: the place holds a world of another seed or size.
        """
        ...

    def settings_for(self, address: Address, place: str) -> dict[str, str]:
        """Return the connection settings (names of ``source.yaml``) for one place."""
        ...

    def has_data(self, address: Address, place: str) -> bool:
        """Say whether there is data of a place."""
        ...

    def remove(self, address: Address, place: str) -> None:
        """Delete a place's data; nothing happens when there is none."""
        ...

    def stop(self, address: Address) -> None:
        """Stop the server and wait until it is gone; nothing happens when it is gone already."""
        ...


_in_use: dict[Path, IO[str]] = {}
"""The state folders that this process uses, each with the file that carries its shared lock."""


def resolve(connection: Connection, settings: Settings) -> Connection:
    """Return the connection with real settings; a simulated one gets its simulator's, started when none runs."""
    if not connection.simulated:
        return connection
    with _server(connection.source, settings) as (simulator, address):
        place = _place(connection)
        day = today(settings)
        simulator.bring_to(address, place, day, seed=settings.world_seed, size=settings.world_size)
        secrets = {name: SecretStr(value) for name, value in simulator.settings_for(address, place).items()}
    return replace(connection, settings=secrets)


def today(settings: Settings) -> int:
    """Return the world's day: how many business days it has advanced."""
    path = _folder(settings) / "world.json"
    return int(json.loads(path.read_text())["day"]) if path.exists() else 0


def advance(settings: Settings, sources: Mapping[str, SourceSystem], days: int = 1) -> int:
    """Advance the world in every simulated connection, and return the day it is then.

    The world's counter moves last: what was interrupted is made up by the next call.
    """
    folder = _folder(settings)
    with FileLock(folder / "world.lock"):
        day = today(settings) + days
        for connection in _simulated(settings, sources):
            with _server(connection.source, settings) as (simulator, address):
                place = _place(connection)
                simulator.bring_to(address, place, day, seed=settings.world_seed, size=settings.world_size)
        _write(folder / "world.json", {"day": day})
    return day


def has_data(connection: Connection, settings: Settings) -> bool:
    """Say whether there is simulated data of a connection."""
    if not (_folder(settings) / connection.source).exists():
        return False
    with _server(connection.source, settings) as (simulator, address):
        return simulator.has_data(address, _place(connection))


def remove(connection: Connection, settings: Settings) -> None:
    """Delete a connection's simulated data; nothing happens when there is none."""
    if (_folder(settings) / connection.source).exists():
        with _server(connection.source, settings) as (simulator, address):
            simulator.remove(address, _place(connection))


def serve(
    settings: Settings, sources: Mapping[str, SourceSystem], on_ready: Callable[[list[Connection]], None] | None = None
) -> None:
    """Keep the simulators of all simulated connections running until SIGINT or SIGTERM."""
    over = threading.Event()
    previous = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready = [resolve(connection, settings) for connection in _simulated(settings, sources)]
        if on_ready:
            on_ready(ready)
        over.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        release()


def release() -> None:
    """Stop using all simulators, and stop those that nobody else uses; runs by itself at exit."""
    while _in_use:
        state, users = _in_use.popitem()
        with FileLock(state.with_suffix(".lock")):
            users.close()
            _stop_unless_used(state)


def stop_unused(state: Path) -> None:
    """Stop the server that a state file describes, unless somebody uses it; for when its users were killed."""
    with FileLock(state.with_suffix(".lock")):
        _stop_unless_used(state)


def _stop_unless_used(state: Path) -> None:
    if _last(state.with_suffix(".users")) and state.exists():
        _module(state.stem).stop(json.loads(state.read_text()))
        state.unlink()


@contextmanager
def _server(source: str, settings: Settings) -> Iterator[tuple[Simulator, Address]]:
    """Hold a source's lock, with its server running and this process among its users.

    Raises:
        ConnectionFailed: the server does not start, or breaks off; names the source.
    """
    state = _folder(settings) / f"{source}.json"
    simulator = _module(source)
    with FileLock(state.with_suffix(".lock")), _as_a_fault_of(source, state):
        _use(state)
        address = json.loads(state.read_text()) if state.exists() else None
        if address is None or not simulator.is_running(address):
            address = simulator.start(state.with_suffix(""))
            _write(state, address)
            _watch(state)
        yield simulator, address


@contextmanager
def _as_a_fault_of(source: str, state: Path) -> Iterator[None]:
    """Tell people which simulator it was: what its client or the system raises names none."""
    try:
        yield
    except StrataError:
        raise
    except Exception as error:
        message = f"The simulator of {source} failed: {type(error).__name__}: {error}"
        raise ConnectionFailed(message, f"Its files are below {state.with_suffix('')}.") from error


def _watch(state: Path) -> None:
    """Start the process that stops the server when all who use it were killed."""
    nothing = subprocess.DEVNULL
    command = [sys.executable, "-m", "orchestration.simulator_watch", str(state)]
    subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=PROJECT, start_new_session=True)  # noqa: S603 - our own module


def _use(state: Path) -> None:
    """Take this process's share of a server; the lock goes with the process, however that ends."""
    if state not in _in_use:
        if not _in_use:
            atexit.register(_release_own, os.getpid())
        users = state.with_suffix(".users").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
        _in_use[state] = users


def _release_own(process: int) -> None:
    """Release at exit, but not in a forked child that only inherited the list."""
    if os.getpid() == process:
        release()


def _last(users: Path) -> bool:
    with users.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _simulated(settings: Settings, sources: Mapping[str, SourceSystem]) -> Iterable[Connection]:
    from orchestration.control.registry import registered_tenants  # noqa: PLC0415 - only who serves all asks for all

    for tenant in registered_tenants(settings, sources).values():
        yield from (connection for connection in tenant.connections if connection.simulated)


def _module(source: str) -> Simulator:
    package = f"source_systems.{source}"
    try:
        return cast("Simulator", import_module(f"{package}.simulator"))
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.simulator"):
            raise
    message = f"{source}: a connection is set to 'simulated', and there is no simulator.py."
    raise SettingsError(
        message, f"Give the connection {source}'s settings (`strata sources` names them), or write one."
    )


def _place(connection: Connection) -> str:
    """Two underscores, which no tenant's name has: the tenant ``acme_eu`` is not ``acme``'s connection ``eu``."""
    return connection.tenant if connection.instance == "main" else f"{connection.tenant}__{connection.instance}"


def _folder(settings: Settings) -> Path:
    folder = settings.home / "simulation"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(path: Path, content: Mapping[str, object]) -> None:
    """Replace a state file in one step, readable by its owner alone."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(dict(content)))
    draft.rename(path)
