"""Every code location as Dagster meets it: alone, in a fresh interpreter, light, with the names that were promised."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration.contracts.types import parse_type
from orchestration.definitions.main_job import read_locations
from orchestration.definitions.transform.project import read_project
from orchestration.settings import PROJECT, load_settings

LOCATIONS = read_locations(PROJECT / "workspace.yaml")
SNAPSHOT = Path(__file__).parent / "locations.json"
MAX_CPU_SECONDS, MAX_RSS_MB = 5, 250
HEAVY = {"dbt", "dagster_dbt", "pandas", "great_expectations", "duckdb", "sqlglot"}

LOOK = """
import json, psutil, resource, sys
from importlib import import_module
defs = import_module(sys.argv[1]).defs
usage = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: Linux lets it begin with what the parent had when it forked, here all of pytest.
resident = psutil.Process().memory_info().rss / 2**20
repository = defs.get_repository_def()
print(json.dumps({
    "cpu": usage.ru_utime + usage.ru_stime, "rss": resident, "modules": sorted(sys.modules),
    "assets": sorted(spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()
                     if spec.key in repository.asset_graph.materializable_asset_keys),
    "checks": sorted(key.to_user_string() for key in repository.asset_graph.asset_check_keys),
    "jobs": sorted(job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")),
    "schedules": {s.name: [str(s.cron_schedule), s.default_status.value] for s in repository.schedule_defs},
    "sensors": {s.name: s.default_status.value for s in repository.sensor_defs},
    "descriptions": {d.name: d.description for d in [*repository.schedule_defs, *repository.sensor_defs]},
    "specs": {spec.key.to_user_string(): {
        "owners": list(spec.owners),
        "columns": {c.name: c.type for c in getattr(spec.metadata.get("dagster/column_schema"), "columns", ())},
    } for spec in defs.resolve_all_asset_specs()},
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the dbt project is parsed, as an installation has it after its first start."""
    home = tmp_path_factory.mktemp("home")
    read_project(load_settings(home=home))
    return home


@pytest.fixture(scope="module")
def seen(home: Path) -> dict[str, dict[str, Any]]:
    return {name: look(module, home) for name, module in LOCATIONS.items()}


def look(module: str, home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, module],
        env={**os.environ, "STRATA_HOME": str(home)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    content: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return content


@pytest.mark.parametrize("name", LOCATIONS)
def test_a_location_loads_alone_in_little_time_and_memory(name: str, seen: dict[str, dict[str, Any]]) -> None:
    assert seen[name]["cpu"] < MAX_CPU_SECONDS
    assert seen[name]["rss"] < MAX_RSS_MB


@pytest.mark.parametrize("name", [name for name in LOCATIONS if name != "warehouse"])
def test_a_sources_location_imports_no_engine(name: str, seen: dict[str, dict[str, Any]]) -> None:
    assert not HEAVY & set(seen[name]["modules"])


def test_assets_checks_jobs_schedules_and_sensors_are_those_of_the_snapshot(seen: dict[str, dict[str, Any]]) -> None:
    """STRATA_UPDATE_SNAPSHOT=1 writes it anew; look at the difference before committing it."""
    parts = ("assets", "checks", "jobs", "schedules", "sensors")
    now = {name: {part: location[part] for part in parts} for name, location in seen.items()}
    if os.environ.get("STRATA_UPDATE_SNAPSHOT") == "1":
        SNAPSHOT.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    assert now == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LOCATIONS)
def test_every_column_shows_its_type_as_contracts_write_it(name: str, seen: dict[str, dict[str, Any]]) -> None:
    shown = {f"{key}.{c}": kind for key, spec in seen[name]["specs"].items() for c, kind in spec["columns"].items()}
    assert {column: kind for column, kind in shown.items() if not is_type(kind)} == {}


def is_type(text: str) -> bool:
    try:
        return str(parse_type(text)) == text
    except ValueError:
        return False


def test_published_tables_belong_to_the_owners_of_their_models(seen: dict[str, dict[str, Any]]) -> None:
    specs = seen["warehouse"]["specs"]
    owners = {key: spec["owners"] for key, spec in specs.items() if key.startswith("published/")}
    assert owners["published/gold/report_pipeline"] == ["team:revenue-operations"]
    assert {key: specs[key.removeprefix("published/")]["owners"] for key in owners} == owners


@pytest.mark.parametrize("name", LOCATIONS)
def test_every_schedule_and_sensor_says_in_words_what_it_starts(name: str, seen: dict[str, dict[str, Any]]) -> None:
    described = seen[name]["descriptions"]
    assert [trigger for trigger, text in described.items() if not text or "*" in text] == []


def test_dagster_validates_the_workspace_without_a_warning_of_ours(home: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("dagster"), "definitions", "validate", "-w", "workspace.yaml"],
        env={**os.environ, "STRATA_HOME": str(home), "DAGSTER_HOME": ""},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    warnings = [line for line in output.splitlines() if re.search(r"warn", line, re.IGNORECASE)]
    assert [
        line for line in warnings if "definitions_validate_command" not in line and "warnings.warn" not in line
    ] == []
