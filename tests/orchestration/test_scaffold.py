"""A new source system: one command, and its daily load runs at once; what cannot be done safely is refused whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.definitions.main_job import read_locations
from orchestration.failures import SettingsError
from orchestration.scaffold import new_source
from orchestration.settings import PROJECT, Settings, load_settings

COPIED = ("source_systems", "dbt_project", "workspace.yaml", "tenants.yaml", "pyproject.toml")
DAILY_JOB = """
from source_systems.hubspot.definitions import defs
result = defs.resolve_job_def("hubspot_daily").execute_in_process()
print(sum(event.materialization.metadata["inserted"].value for event in result.get_asset_materialization_events()))
"""

ODD_ANSWERS = """
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from pydantic import SecretStr
from orchestration.contracts.extraction import Connection, Window
from orchestration.contracts.reader import read_contracts
from orchestration.failures import StrataError
from source_systems.hubspot.extract import connect

class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
settings = {"url": SecretStr(url), "token": SecretStr("t0ken")}
contract = read_contracts(Path("source_systems/hubspot/contracts"), "hubspot")["item"]
with connect(Connection("acme", "hubspot", settings=settings)) as api:
    steps = {
        "extract": lambda: list(api.extract(contract, Window(None, datetime.now(UTC)))),
        "describe": lambda: api.describe(contract),
        "count": lambda: api.count(contract),
        "keys": lambda: list(api.keys(contract)),
    }
    for body in (b"<html>Bad Gateway</html>", b'{"error": "down"}', b"null"):
        for name, step in steps.items():
            try:
                step()
            except StrataError as error:
                print(name, error.failure_class, error)
    for name, body in {
        "keys": b'{"results": [{"id": 1}, {"no": 2}], "next": null}',
        "describe": b'{"fields": [{"name": "id", "type": "varchar2"}]}',
        "extract": b'{"results": [{"id": 1}], "next": "page 2"}',
    }.items():
        try:
            steps[name]()
        except StrataError as error:
            print(name, error.failure_class, error)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in COPIED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copyfile
        copy(PROJECT / name, tmp_path / name)
    # The engine is the installed one; only what a user edits is copied.
    (tmp_path / "orchestration").symlink_to(PROJECT / "orchestration")
    return tmp_path


def settings(project: Path) -> Settings:
    return load_settings(
        home=project / ".strata",
        sources_dir=project / "source_systems",
        tenants_file=project / "tenants.yaml",
        dbt_dir=project / "dbt_project",
    )


def in_project(project: Path, *command: str) -> str:
    """Run a command as a user of the copy would, its simulated company small."""
    home = project / ".strata"
    places = {
        "PYTHONPATH": str(project), "STRATA_HOME": str(home), "STRATA_WORLD_SIZE": "25",
        "STRATA_SOURCES_DIR": str(project / "source_systems"), "STRATA_TENANTS_FILE": str(project / "tenants.yaml"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project, env={**os.environ, **places}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_source_is_known_everywhere_and_its_daily_load_runs_at_once(project: Path) -> None:
    made = {path.relative_to(project).as_posix() for path in new_source("hubspot", settings(project))}
    assert made >= {
        "source_systems/hubspot/extract.py", "source_systems/hubspot/simulator.py", "workspace.yaml", "tenants.yaml",
        "tests/source_systems/hubspot/test_hubspot_load.py", "dbt_project/models/silver/hubspot/_sources.yml",
    }  # fmt: skip
    assert read_locations(project / "workspace.yaml")["hubspot"] == "source_systems.hubspot.definitions"
    tenants = yaml.safe_load((project / "tenants.yaml").read_text(encoding="utf-8"))["tenants"]
    assert {tenant["connections"]["hubspot"] for tenant in tenants.values()} == {"simulated"}
    assert in_project(project, "-c", DAILY_JOB).splitlines()[-1] == str(2 * 25)


def test_the_rendered_test_passes_and_the_rendered_code_is_clean(project: Path) -> None:
    new_source("hubspot", settings(project))
    assert "2 passed" in in_project(project, "-m", "pytest", "-q", "tests/source_systems/hubspot")
    for command in (["check"], ["format", "--check"]):
        in_project(project, "-m", "ruff", *command, "source_systems/hubspot", "tests")


def test_answers_that_are_none_of_the_api_are_told_by_what_they_lack(project: Path) -> None:
    new_source("hubspot", settings(project))
    told = in_project(project, "-c", ODD_ANSWERS).splitlines()
    assert len(told) == 3 * 4 + 3
    members = {"extract": "next", "describe": "fields", "count": "count", "keys": "results"}
    for line in told[:-3]:
        name, failure, rest = line.split(" ", 2)
        assert failure == "connection"
        assert f"without the member {members[name]!r}" in rest
    assert told[-3].startswith("keys schema_drift acme/hubspot: item: a key cannot be read (KeyError: 'id')")
    assert told[-2].startswith("describe schema_drift hubspot/item: field 'id': type 'varchar2' is unknown")
    assert "names 'page 2' as the page after itself" in told[-1]


def test_comments_of_workspace_and_tenants_stay(project: Path) -> None:
    def comments() -> list[str]:
        texts = [(project / name).read_text(encoding="utf-8") for name in ("workspace.yaml", "tenants.yaml")]
        return [line for text in texts for line in text.splitlines() if line.startswith("#")]

    before = comments()
    new_source("hubspot", settings(project))
    assert comments() == before != []


@pytest.mark.parametrize(
    "name",
    ["HubSpot", "hub-spot", "1st", "x", "hub_", "hub__spot", "../evil", "class", "warehouse", "home", "delivery",
     "product_asof", "product_rebuild"],
)  # fmt: skip
def test_a_bad_name_is_refused_and_nothing_is_written(project: Path, name: str) -> None:
    before = sorted(project.rglob("*"))
    with pytest.raises(SettingsError):
        new_source(name, settings(project))
    assert sorted(project.rglob("*")) == before


def test_a_source_that_exists_is_refused(project: Path) -> None:
    with pytest.raises(SettingsError, match="exists already"):
        new_source("product", settings(project))


def test_a_file_in_another_form_is_refused_before_anything_is_written(project: Path) -> None:
    (project / "tenants.yaml").write_text("tenants: {acme: {connections: {product: simulated}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be edited safely"):
        new_source("hubspot", settings(project))
    assert not (project / "source_systems" / "hubspot").exists()
