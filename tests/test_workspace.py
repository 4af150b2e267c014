"""Code locations are an interface: their names are pinned, and they are the folders on disk."""

from __future__ import annotations

from orchestration.contracts.source import find_sources
from orchestration.definitions.main_job import read_locations
from orchestration.settings import PROJECT

PINNED = ["accounting", "product", "salesforce", "warehouse", "delivery"]
"""A renamed location starts with stopped schedules and sensors. A new source adds its name here."""


def test_the_names_of_code_locations_stay() -> None:
    assert set(PINNED) <= set(read_locations(PROJECT / "workspace.yaml"))


def test_the_workspace_lists_every_source_system_the_warehouse_deliveries_and_nothing_else() -> None:
    sources = {name: f"source_systems.{name}.definitions" for name in find_sources(PROJECT / "source_systems")}
    listed = read_locations(PROJECT / "workspace.yaml")
    ours = {
        "warehouse": "orchestration.definitions.warehouse",
        "delivery": "orchestration.definitions.delivery.definitions",
    }
    assert listed == {**sources, **ours}


def test_every_source_systems_definitions_are_at_most_thirty_lines() -> None:
    for name in find_sources(PROJECT / "source_systems"):
        text = (PROJECT / "source_systems" / name / "definitions.py").read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 30, name
