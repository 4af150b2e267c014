"""An installation with one published table of two tenants, and a receiver that answers as it is told."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestration.access.principal import Principal, operator
from orchestration.control import changes, tables
from orchestration.delivery import consumers
from orchestration.delivery.registering.wish import Wish, read_wish
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from orchestration.warehouse.apply import apply

USAGE = ("gold", "license_usage")
_BUILD = """
CREATE SCHEMA IF NOT EXISTS gold;
CREATE TABLE gold.license_usage AS SELECT * FROM (VALUES
    ('acme', 1, 'seat', 0.95::DECIMAL(5,2)), ('acme', 2, 'api', 0.20), ('globex', 1, 'seat', 0.99)
) AS rows(_tenant_id, license_id, kind, share_used)"""


@dataclass
class Receiver:
    """Keeps what arrives; ``status`` is what it answers."""

    url: str = ""
    status: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield kept
        server.shutdown()


@pytest.fixture
def runtime(standing: Path, tmp_path: Path) -> Runtime:
    shutil.copytree(standing, tmp_path / "home")
    return _opened(tmp_path / "home")


def _opened(home: Path) -> Runtime:
    nobody = home.parent / "none.yaml"
    return open_runtime(
        Settings(home=home, tenants_file=nobody, delivery_allowed_networks="127.0.0.0/8", _env_file=None)
    )


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that tests copy."""
    home = tmp_path_factory.mktemp("standing") / "home"
    opened = _opened(home)
    with opened.warehouse.session("build") as session:
        apply(session)
        session.con.execute(_BUILD)
        publish(session, opened, [USAGE], {USAGE: ("_tenant_id", "license_id")}, "build 1")
    with opened.control.transaction("test") as connection:
        for name in ("acme", "globex"):
            changes.insert(connection, tables.tenant, {"tenant_id": name, "title": name, "state": "active"})
            consumers.add(connection, name, "bi", "", "bi@example.com")
    return home


@pytest.fixture
def person() -> Principal:
    return operator("ops")


def wish(receiver: Receiver, **fields: object) -> Wish:
    """Ask for changed rows by webhook, unless told otherwise."""
    usual = {
        "consumer": "bi",
        "events": ["gold.rows.changed"],
        "tables": ["gold.license_usage"],
        "payload": "changes",
        "channel": "webhook",
        "settings": {"url": receiver.url},
    }
    return read_wish(usual | fields, "the wish")
