"""What the manifest says about tables: their layer, their key, and what lies downstream of a source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.definitions.specs import asset_key, published_key
from orchestration.definitions.transform.project import DbtProject

FAULTY_PROJECT: names.Table = (names.SILVER, "dbt_project")
"""The asset that stands for a dbt project that does not parse."""
Manifest = Mapping[str, Any]


@cache
def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest once a process; its folder is named by its content."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def models(project: DbtProject, layer: str) -> list[names.Table]:
    """Return the tables and views of a layer."""
    if project.manifest is None:
        return []
    nodes = read_manifest(project.manifest)["nodes"].values()
    return sorted(_table(node) for node in nodes if node["resource_type"] == "model" and layer in node["tags"])


def owners(project: DbtProject) -> dict[names.Table, list[str]]:
    """Return each model's owners, as the project's YAML names them for Dagster; a model without has none here."""
    if project.manifest is None:
        return {}
    nodes = [node for node in read_manifest(project.manifest)["nodes"].values() if node["resource_type"] == "model"]
    named = {_table(node): node["config"]["meta"].get("dagster", {}).get("owners", []) for node in nodes}
    return {table: found for table, found in named.items() if found}


def downstream_models(project: DbtProject, source: str) -> frozenset[dg.AssetKey]:
    """Return the models that are built, directly or not, from a source system's bronze tables."""
    if project.manifest is None:
        return frozenset()
    manifest = read_manifest(project.manifest)
    schema = names.bronze_schema(source)
    roots = [name for name, node in manifest["sources"].items() if node["source_name"] == schema]
    return frozenset(asset_key(_table(manifest["nodes"][name])) for name in _descendants(manifest, roots))


def build_selection(project: DbtProject, sources: Iterable[str]) -> list[dg.AssetKey]:
    """Return what a build selects when these sources changed: their models, and the publication of gold among them.

    A project that does not parse is told by every build, though its last good state is what is built.
    """
    built = frozenset().union(*(downstream_models(project, source) for source in sources))
    gold = [published_key((key.path[0], key.path[1])) for key in built if key.path[0] == names.GOLD]
    fault = [asset_key(FAULTY_PROJECT)] if project.fault else []
    return sorted([*built, *gold, *fault], key=lambda key: tuple(key.path))


def table_keys(project: DbtProject) -> dict[names.Table, tuple[str, ...]]:
    """Return each model's key columns, from the model's own test of its key."""
    if project.manifest is None:
        return {}
    nodes = read_manifest(project.manifest)["nodes"]
    tests = (node for node in nodes.values() if (node.get("test_metadata") or {}).get("name") == "key")
    return {
        _table(nodes[test["attached_node"]]): tuple(test["test_metadata"]["kwargs"]["columns"])
        for test in tests
        if test.get("attached_node") in nodes
    }


def _descendants(manifest: Manifest, roots: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        for child in manifest["child_map"].get(waiting.pop(), []):
            if child.startswith("model.") and child not in seen:
                seen.add(child)
                waiting.append(child)
                yield child


def _table(node: Mapping[str, Any]) -> names.Table:
    return str(node["schema"]), str(node["name"])
