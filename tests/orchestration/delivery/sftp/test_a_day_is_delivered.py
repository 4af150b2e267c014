"""A whole day by the platform's own jobs: the hour's gold and the day's close arrive, each tenant's rows alone."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestration import simulators
from orchestration.access.principal import operator
from orchestration.definitions.main_job import JobRun, Jobs, jobs
from orchestration.delivery import consumers
from orchestration.delivery.registering.registering import register
from orchestration.delivery.registering.wish import read_wish
from orchestration.publication.published_reader import connect_published
from orchestration.runtime import Runtime, open_runtime

from .sftp_scenes import USER, SshServer

TENANTS = ("acme", "globex")
USAGE = "gold.license_usage"


@pytest.fixture
def hook() -> Iterator[type[BaseHTTPRequestHandler]]:
    """A receiver of webhooks that keeps what comes, by the path that it came to."""
    events: dict[str, list[dict[str, Any]]] = {}

    class Hook(BaseHTTPRequestHandler):
        arrived = events
        url = ""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            events.setdefault(self.path.strip("/"), []).append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        Hook.url = f"http://127.0.0.1:{listening.server_port}"
        yield Hook
        listening.shutdown()


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRATA_WORLD_SIZE", "12")
    monkeypatch.setenv("STRATA_DELIVERY_ALLOWED_NETWORKS", "127.0.0.0/8")
    yield open_runtime()
    simulators.release()


def well(*runs: JobRun) -> None:
    assert [run.fault for run in runs if not run.ok] == []


def begin(run: Jobs) -> None:
    """Publish everything for the first time."""
    well(*(run.load(source, "daily") for source in run.sources), run.build(), run.financial(), run.deliver())


def ask(runtime: Runtime, tenant: str, hook: Any, server: SshServer, home: Path) -> None:
    """Register a tenant's consumer for the changed rows of gold, for its closes, and for files."""
    with runtime.control.transaction("test") as connection:
        consumers.add(connection, tenant, "bi", "", "bi@example.com")
    by_hook = {"consumer": "bi", "channel": "webhook", "settings": {"url": f"{hook.url}/{tenant}"}}
    rows = {"events": ["gold.rows.changed"], "tables": [USAGE], "payload": "changes"}
    by_file = {"consumer": "bi", "channel": "sftp", "secrets": {"key": f"file:{home / 'client_key'}"}}
    place = {"host": "127.0.0.1", "port": str(server.port), "user": USER, "host_key": server.host_key.strip()}
    files = {"events": ["gold.table.updated"], "tables": [USAGE], "payload": "snapshot", "format": "csv"}
    named = {"settings": place | {"folder": str(home / tenant), "name": "{table}.{extension}"}}
    wishes = {
        "rows": by_hook | rows,
        "closes": by_hook | {"events": ["finance.close.published"]},
        "files": by_file | files | named,
    }
    for name, wish in wishes.items():
        register(runtime, (tenant, name), read_wish(wish, name), operator("ops"))


def published(runtime: Runtime, tenant: str) -> set[tuple[str, str]]:
    with connect_published(runtime.settings) as con:
        sql = f"SELECT customer_key, product_key FROM {USAGE} WHERE _tenant_id = ?"
        return set(con.execute(sql, [tenant]).fetchall())


def test_the_hour_and_the_close_arrive_by_webhook_and_as_a_file(
    runtime: Runtime, hook: Any, server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "client_key").write_text(server.client_key.get_secret_value())
    with jobs(runtime.settings) as run:
        begin(run)
        for tenant in TENANTS:
            (tmp_path / tenant).mkdir()
            ask(runtime, tenant, hook, server, tmp_path)
        simulators.advance(runtime.settings, runtime.sources)
        well(*(run.load(source, "hourly") for source in run.sources), run.build(), run.deliver())
        for tenant in TENANTS:
            assert_the_hour_arrived(runtime, hook, tenant, tmp_path / tenant)
        well(run.financial(), run.deliver())
    for tenant in TENANTS:
        (close,) = [event for event in hook.arrived[tenant] if event["type"] == "finance.close.published.v1"]
        assert close["source"] == f"/strata/{tenant}"
        assert "finance.mrr_monthly" in [item["table"] for item in close["data"]["tables"]]
        assert set(close["data"]) == {"as_of", "close_id", "tables"}


def assert_the_hour_arrived(runtime: Runtime, hook: Any, tenant: str, folder: Path) -> None:
    """What came by webhook and as a file are the tenant's published rows, and nobody else's."""
    expected = published(runtime, tenant)
    (changed,) = [event for event in hook.arrived[tenant] if event["type"] == "gold.rows.changed.v1"]
    assert {(row["customer_key"], row["product_key"]) for row in changed["data"]["rows"]} == expected
    (file,) = [path for path in folder.iterdir() if not path.name.startswith(".")]
    with file.open(encoding="utf-8", newline="") as lines:
        assert {(row["customer_key"], row["product_key"]) for row in csv.DictReader(lines)} == expected
