"""Which tables are built from bronze tables, as the last good state of the dbt project says."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration.names import Table
from orchestration.settings import Settings


def downstream(settings: Settings, tables: Collection[Table]) -> tuple[Table, ...]:
    """Return the models built, directly or not, from the tables; empty before the project was ever parsed."""
    manifest = read_manifest(settings)
    if manifest is None:
        return ()
    waiting = [
        name for name, node in manifest["sources"].items() if (node["schema"], node["identifier"]) in set(tables)
    ]
    found: set[str] = set()
    while waiting:
        children = {child for child in manifest["child_map"].get(waiting.pop(), []) if child.startswith("model.")}
        waiting += children - found
        found |= children
    nodes = (manifest["nodes"][name] for name in found)
    return tuple(sorted((str(node["schema"]), str(node["name"])) for node in nodes))


def model_keys(settings: Settings) -> dict[Table, tuple[str, ...]]:
    """Return each model's key columns, as the model's own test of its key names them."""
    nodes = (read_manifest(settings) or {"nodes": {}})["nodes"]
    tests = (node for node in nodes.values() if (node.get("test_metadata") or {}).get("name") == "key")
    return {
        (str(model["schema"]), str(model["name"])): tuple(test["test_metadata"]["kwargs"]["columns"])
        for test in tests
        if (model := nodes.get(test.get("attached_node")))
    }


def read_manifest(settings: Settings) -> dict[str, Any] | None:
    """Return dbt's manifest of the last good state; ``None`` before the project was ever parsed."""
    states = settings.home / "dbt"
    try:
        state = (states / "last_good").read_text(encoding="utf-8")
        path = states / state / "target" / "manifest.json"
        return _content(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=2)
def _content(path: Path, _written: int) -> dict[str, Any]:
    """Parse a file once for each state of it: to erase one person the manifest is asked for a hundred times."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
