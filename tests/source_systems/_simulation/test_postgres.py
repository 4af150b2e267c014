"""The PostgreSQL of the wheel: starts, survives being killed, and leaves nothing running."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from source_systems._simulation.postgres import PostgresServer


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "server")
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(tmp_path / "server"), signal.SIGKILL)
    while server.is_running():
        time.sleep(0.02)
    server.start()
    try:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        server.stop()
    assert not server.is_running()


def test_data_that_an_interrupted_start_left_half_made_is_made_anew(tmp_path: Path) -> None:
    data = tmp_path / "server" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18")
    server = PostgresServer(tmp_path / "server")
    server.start()
    try:
        assert server.is_running()
    finally:
        server.stop()


def test_it_asks_for_the_password(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(postgres_server.url().replace(postgres_server.password, "guess"))
