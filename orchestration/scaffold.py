"""Renders a new source system from ``source_systems/_template``: what ``strata new source NAME`` does.

Everything is checked before anything is written, and files that people write (workspace
and tenants) are edited by inserting lines, so that their comments stay.
"""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.contracts.dbt_sources import write_sources
from orchestration.contracts.extraction import SIMULATED
from orchestration.contracts.source import read_source
from orchestration.failures import SettingsError
from orchestration.settings import Settings

TEMPLATE = "_template"
TEST = "test_load.py"
_NAME = re.compile(r"^(?!.*__)[a-z][a-z0-9_]{1,39}$")  # two underscores part the names in variables
_RESERVED = {"warehouse", "silver", "gold", "finance", "published", "strata"}
# bronze_<source>_asof and _rebuild are the tables that a backfill makes of a source.
_BACKFILLED = ("_asof", "_rebuild")


def new_source(name: str, settings: Settings) -> list[Path]:
    """Render the source system ``name`` and make it known; returns the files made or changed.

    It gets a folder, a test, an entry in ``workspace.yaml``, a simulated connection for every
    tenant of ``tenants.yaml``, and dbt sources.

    Raises:
        SettingsError: the name is no good or taken, or a file cannot be edited safely; nothing was written.
    """
    folder, project = settings.sources_dir / name, settings.sources_dir.parent
    _check_name(name, folder)
    edits = [(project / "workspace.yaml", _with_location), (settings.tenants_file, _with_connections)]
    edited = {path: edit(path, name) for path, edit in edits if path.exists()}
    test = project / "tests" / "source_systems" / name / f"test_{name}_load.py"
    made = _render(settings.sources_dir / TEMPLATE, folder, test, name)
    for path, text in edited.items():
        path.write_text(text, encoding="utf-8")
    return [*made, *edited, write_sources(read_source(folder), settings.dbt_dir)]


def _check_name(name: str, folder: Path) -> None:
    example = "Use lower-case letters, digits and underscores, such as hubspot."
    if not _NAME.match(name) or name.endswith("_"):
        raise SettingsError(f"{name!r} is no name for a source system.", example)
    # STRATA_HOME would be read as a connection of a source called home.
    if name in _RESERVED or name.endswith(_BACKFILLED) or name in Settings.model_fields or keyword.iskeyword(name):
        raise SettingsError(f"{name!r} is taken by the platform itself.", "Take another name.")
    if folder.exists():
        raise SettingsError(f"{folder} exists already.", "Take another name, or remove the folder first.")


def _render(template: Path, folder: Path, test: Path, name: str) -> list[Path]:
    """Render into a draft beside the sources and move it into place whole."""
    environment = Environment(loader=FileSystemLoader(template), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - Python and YAML, no HTML
    values = {"name": name, "title": name.replace("_", " ").title()}
    draft = Path(tempfile.mkdtemp(prefix="_draft_", dir=folder.parent))
    try:
        for path in sorted(template.rglob("*.jinja")):
            relative = path.relative_to(template)
            target = draft / relative.with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(environment.get_template(relative.as_posix()).render(values), encoding="utf-8")
        test.parent.mkdir(parents=True, exist_ok=True)
        (draft / TEST).replace(test)
        draft.chmod(0o755)
        draft.replace(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [*sorted(path for path in folder.rglob("*") if path.is_file()), test]


def _with_location(path: Path, name: str) -> str:
    """Return ``workspace.yaml`` with one more code location, before the warehouse's."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    expected = yaml.safe_load(text)
    if name in (place.get("location_name") for item in expected["load_from"] for place in item.values()):
        raise SettingsError(f"{path} has a code location {name!r} already.", "Take another name.")
    entry = {"module_name": f"source_systems.{name}.definitions", "location_name": name}
    block = "  - python_module:\n" + "".join(f"      {key}: {value}\n" for key, value in entry.items())
    starts = [number for number, line in enumerate(lines) if line.startswith("  - ")]
    warehouse = [n for n in starts if "location_name: warehouse" in "".join(lines[n : n + 3])]
    lines.insert(warehouse[0] if warehouse else len(lines), block)
    number = len([start for start in starts if start < warehouse[0]]) if warehouse else len(starts)
    expected["load_from"].insert(number, {"python_module": entry})
    return _checked(path, "".join(lines), expected)


def _with_connections(path: Path, name: str) -> str:
    """Return ``tenants.yaml`` with a simulated connection for every tenant."""
    text = path.read_text(encoding="utf-8")
    expected = yaml.safe_load(text)
    result: list[str] = []
    indent: str | None = None
    for line in text.splitlines(keepends=True):
        depth = len(line) - len(line.lstrip())
        if indent is not None and line.strip() and depth < len(indent):
            result.append(f"{indent}{name}: {SIMULATED}\n")
            indent = None
        result.append(line if line.endswith("\n") else line + "\n")
        if line.strip() == "connections:":
            indent = " " * (depth + 2)
    if indent is not None:
        result.append(f"{indent}{name}: {SIMULATED}\n")
    for tenant in expected["tenants"].values():
        tenant["connections"] = {**tenant["connections"], name: SIMULATED}
    return _checked(path, "".join(result), expected)


def _checked(path: Path, text: str, expected: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if yaml.safe_load(text) != expected:
        raise SettingsError(f"{path} has a form that cannot be edited safely.", "Bring it to the form of the original.")
    return text
