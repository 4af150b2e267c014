"""What ``make run`` leaves is found in Dagster's UI: asked of its GraphQL, as the pages do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import source_definitions
from orchestration.definitions.main_job import Jobs, prepare_dagster_home
from orchestration.settings import load_settings

Toy = Any  # the platform of conftest.py
LOCATION = "from orchestration.definitions import source_definitions\n\ndefs = source_definitions('toy')\n"
WORKSPACE = "load_from:\n  - python_file: {relative_path: toy_location.py, location_name: toy}\n"
QUERY = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { ... on RepositoryLocation {
  repositories { pipelines { name runs(limit: 5) { runId tags { key value } } } }
} } } } } }"""


@pytest.fixture
def instance(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The persistent instance that ``make run`` and ``make ui`` share."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(load_settings()))) as instance:
        yield instance


def runs_by_job(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what the pages of the jobs list."""
    (folder / "toy_location.py").write_text(LOCATION, encoding="utf-8")
    (folder / "workspace.yaml").write_text(WORKSPACE, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("dagster-graphql")), "-w", "workspace.yaml", "-t", QUERY]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = next(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    repositories = [item for entry in entries for item in entry["locationOrLoadError"]["repositories"]]
    return {pipeline["name"]: pipeline["runs"] for item in repositories for pipeline in item["pipelines"]}


def test_the_page_of_a_job_lists_its_runs_of_make_run_with_their_location(
    toy: Toy, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = ModuleType("a_location")
    location.defs = source_definitions("toy")  # type: ignore[attr-defined]  # of any module
    monkeypatch.setitem(sys.modules, location.__name__, location)
    run = Jobs(load_settings(), instance, {"toy": location.__name__}, lambda _: None).load("toy", "daily")
    assert run.ok, run.fault
    listed = runs_by_job(toy.folder)
    assert listed["toy_hourly"] == []
    assert [item["runId"] for item in listed["toy_daily"]] == [run.run_id]
    assert {"key": "dagster/code_location", "value": "toy"} in listed["toy_daily"][0]["tags"]


def test_no_newsletter_covers_the_first_page_of_a_new_browser(instance: dg.DagsterInstance) -> None:
    assert not instance.nux_enabled
