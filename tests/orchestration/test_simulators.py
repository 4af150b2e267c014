"""Simulators come when they are needed, are shared, and go with their last user."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from orchestration import simulators
from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import read_source
from orchestration.failures import ConnectionFailed, SettingsError
from orchestration.settings import PROJECT, Settings, load_settings
from orchestration.simulator_watch import GRACE_SECONDS
from source_systems.product import simulator

ACME = Connection("acme", "product", simulated=True)
PRODUCT = {"product": read_source(PROJECT / "source_systems" / "product")}
USER = """
import sys
from orchestration import simulators
from orchestration.contracts.extraction import Connection
from orchestration.settings import load_settings

settings = load_settings(home=sys.argv[1], world_size=10)
connection = simulators.resolve(Connection(sys.argv[2], sys.argv[3], simulated=True), settings)
print(connection.get("url") or connection.get("domain"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text("tenants: {acme: {connections: {product: simulated}}}")
    settings = load_settings(home=tmp_path / "home", world_size=10, tenants_file=tenants)
    yield settings
    simulators.release()
    if (state := state_of(settings)).exists():
        simulator.stop(json.loads(state.read_text()))


def state_of(settings: Settings) -> Path:
    return settings.home / "simulation" / "product.json"


def user(settings: Settings, tenant: str = "acme", source: str = "product") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(settings.home), tenant, source]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("", timeout=30)
    assert process.returncode == 0


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def has_gone(settings: Settings, url: str) -> bool:
    """Wait: the watcher takes the users' lock for a moment when it wins the race for it, and then stops the server."""
    deadline = time.monotonic() + 30
    while state_of(settings).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not state_of(settings).exists() and not answers(url)


def test_a_real_connection_is_left_as_it_is(settings: Settings) -> None:
    real = Connection("acme", "product")
    assert simulators.resolve(real, settings) is real
    assert not settings.home.exists()


def test_a_server_that_cannot_start_is_told_with_its_log(settings: Settings) -> None:
    simulators.resolve(ACME, settings)
    simulators.release()
    data = settings.home / "simulation" / "product" / "data"
    (data / "global" / "pg_control").write_bytes(b"broken")
    with pytest.raises(ConnectionFailed, match=r"PostgreSQL in .*product did not start: .*pg_control"):
        simulators.resolve(ACME, settings)


def test_what_a_simulator_fails_of_names_its_source(settings: Settings) -> None:
    simulators.resolve(ACME, settings)
    simulators.release()
    (settings.home / "simulation" / "product" / "password").unlink()
    with pytest.raises(ConnectionFailed, match="The simulator of product failed: FileNotFoundError"):
        simulators.resolve(ACME, settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="the server has a user of its own for root alone")
def test_a_copied_home_has_a_server_too(settings: Settings, tmp_path: Path) -> None:
    simulators.resolve(ACME, settings)
    simulators.release()
    copied = tmp_path / "copied"
    shutil.copytree(settings.home, copied)
    url = simulators.resolve(ACME, settings.model_copy(update={"home": copied})).get("url")
    assert answers(url)


def test_a_simulated_connection_gets_settings_that_no_repr_shows(settings: Settings) -> None:
    connection = simulators.resolve(ACME, settings)
    assert answers(connection.get("url"))
    assert "strata_reader" not in repr(connection)
    assert "strata_reader" not in repr(connection.settings)
    assert state_of(settings).stat().st_mode & 0o077 == 0


def test_the_server_goes_with_its_last_user(settings: Settings) -> None:
    first, second = user(settings), user(settings, "globex")
    urls = url_of(first), url_of(second)
    assert urls[0].rpartition("/")[0] == urls[1].rpartition("/")[0]  # both raced, one server came of it
    leave(first)
    assert answers(urls[1])
    leave(second)
    assert has_gone(settings, urls[1])


def killed(settings: Settings) -> str:
    """Let a user be killed and return the address of the server that it leaves behind."""
    process = user(settings)
    url = url_of(process)
    process.kill()
    process.wait()
    return url


def test_a_server_whose_user_was_killed_stops_when_nobody_takes_it_over(settings: Settings) -> None:
    url = killed(settings)
    assert has_gone(settings, url)


def test_a_server_whose_user_was_killed_is_taken_over(settings: Settings) -> None:
    url = killed(settings)
    following = simulators.resolve(ACME, settings).get("url")
    assert following == url
    time.sleep(3 * GRACE_SECONDS)
    assert answers(following)
    simulators.release()
    assert has_gone(settings, following)


def test_a_server_whose_home_is_removed_ends(settings: Settings) -> None:
    process = user(settings, source="salesforce")
    url = f"https://{url_of(process)}"
    assert listens(url)
    shutil.rmtree(settings.home)
    leave(process)
    deadline = time.monotonic() + 30
    while listens(url) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not listens(url)


def listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_state_file_of_a_dead_server_is_replaced(settings: Settings) -> None:
    first = simulators.resolve(ACME, settings)
    folder = Path(json.loads(state_of(settings).read_text())["folder"])
    os.kill(int((folder / "data" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    while answers(first.get("url")):
        time.sleep(0.02)
    assert answers(simulators.resolve(ACME, settings).get("url"))


def test_the_world_advances_for_everyone_and_keeps_its_day(settings: Settings) -> None:
    assert simulators.today(settings) == 0
    connection = simulators.resolve(ACME, settings)
    assert simulators.advance(settings, PRODUCT) == 1
    assert simulators.advance(settings, PRODUCT, days=2) == 3
    simulators.release()
    assert has_gone(settings, connection.get("url"))
    later = Connection("newcomer", "product", simulated=True)
    simulators.resolve(ACME, settings)
    simulators.resolve(later, settings)
    address = json.loads(state_of(settings).read_text())
    for place in ("acme", "newcomer"):
        server = simulator.PostgresServer(Path(address["folder"]))
        with psycopg.connect(server.url(f"product_{place}")) as admin:
            assert admin.execute("SELECT day FROM simulation.world").fetchone() == (3,)


def test_an_interrupted_advance_is_made_up(settings: Settings) -> None:
    simulators.resolve(ACME, settings)
    address = json.loads(state_of(settings).read_text())
    simulator.bring_to(address, "acme", 1, seed=settings.world_seed, size=10)  # as if killed before the counter moved
    assert simulators.advance(settings, PRODUCT) == 1
    assert simulators.advance(settings, PRODUCT) == 2


def test_serving_ends_with_a_signal_and_takes_the_servers_along(settings: Settings) -> None:
    serving = """
import sys
from orchestration import simulators
from orchestration.contracts.source import read_source
from orchestration.settings import PROJECT, load_settings

settings = load_settings(home=sys.argv[1], world_size=10, tenants_file=sys.argv[2])
product = {"product": read_source(PROJECT / "source_systems" / "product")}
simulators.serve(settings, product, lambda ready: print(ready[0].get("url"), flush=True))
"""
    command = [sys.executable, "-c", serving, str(settings.home), str(settings.tenants_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = url_of(process)
    assert answers(url)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert has_gone(settings, url)


def test_a_source_without_a_simulator_is_told(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    with pytest.raises(
        SettingsError, match=r"nosuch: a connection is set to 'simulated', and there is no simulator\.py"
    ):
        simulators.resolve(Connection("acme", "nosuch", simulated=True), settings)
