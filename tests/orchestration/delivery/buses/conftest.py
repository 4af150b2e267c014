"""One broker of each kind for all tests, and a way to each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .bus_servers import NatsServer, RabbitServer


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()
