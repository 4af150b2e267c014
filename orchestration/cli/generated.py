"""The files that are written from settings and contracts, so that no fact is typed twice."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic.fields import FieldInfo

from orchestration.contracts.dbt_sources import render_sources, sources_path
from orchestration.contracts.dbt_sources_difference import source_differences
from orchestration.contracts.editor_schema import SCHEMA_FILE, render_schema
from orchestration.contracts.source import SourceSystem
from orchestration.scripts.catalog import catalog_path, describe, render_catalog
from orchestration.settings import PROJECT, Settings
from orchestration.warehouse import open_warehouse

_HEAD = """\
# Settings of Strata. Copy this file to .env and uncomment what you want to change;
# variables of the environment win over the file. Written by `strata generate`.
"""
_CONNECTIONS = """\
# Connections to real source systems: STRATA_<SOURCE>__<TENANT>[__<INSTANCE>]__<NAME>,
# in short STRATA_<SOURCE>__<NAME> for the tenant `default`. A connection set to
# `simulated` is served by the simulator: STRATA_<SOURCE>__<TENANT>=simulated.
"""


@dataclass(frozen=True)
class GeneratedFile:
    """A file and what it should hold."""

    path: Path
    text: str
    is_dbt_sources: bool = False

    @property
    def stale(self) -> bool:
        """Whether the file on disk is missing or says something else."""
        return not self.path.exists() or self.path.read_text(encoding="utf-8") != self.text

    @property
    def differences(self) -> list[str]:
        """The tables and columns that the file on disk and the contracts disagree on; of other files none are told."""
        return source_differences(self.path, self.text) if self.is_dbt_sources and self.path.exists() else []

    def write(self) -> None:
        """Put the content on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text, encoding="utf-8")


def generated_files(settings: Settings, sources: Mapping[str, SourceSystem]) -> list[GeneratedFile]:
    """Return every generated file with its content as of now."""
    dbt_sources = [
        GeneratedFile(sources_path(settings.dbt_dir, source.name), render_sources(source), is_dbt_sources=True)
        for source in sources.values()
    ]
    fixed = [
        GeneratedFile(PROJECT / ".env.example", env_example(sources)),
        GeneratedFile(SCHEMA_FILE, render_schema()),
    ]
    return [*fixed, *dbt_sources]


def built_catalog(settings: Settings) -> GeneratedFile | None:
    """Return the catalogue of silver and gold as the warehouse has them; ``None`` where nothing is built yet.

    Raises:
        Busy: the warehouse is being written.
    """
    warehouse = open_warehouse(settings)
    if warehouse.is_embedded and not settings.warehouse_file.exists():
        return None
    with warehouse.reading("strata generate") as session:
        stored, dialect = session.all_columns(), "duckdb" if session.is_embedded else "tsql"
    described = describe(stored, (settings.home / "dbt" / "runs").glob("*"), dialect)
    return GeneratedFile(catalog_path(settings.scripts_dir), render_catalog(described)) if described.columns else None


def env_example(sources: Mapping[str, SourceSystem]) -> str:
    """Write ``.env.example``: every setting with what it means, its default and an example."""
    fields = [_setting(name, field) for name, field in Settings.model_fields.items()]
    connections = [_connection(source) for source in sources.values()]
    return "\n".join([_HEAD, *fields, _CONNECTIONS, *connections])


def _setting(name: str, field: FieldInfo) -> str:
    example = (field.examples or [""])[0]
    return f"{_comment(f'{field.description} Default: {_default(field)}.')}# STRATA_{name.upper()}={example}\n"


def _default(field: FieldInfo) -> str:
    if isinstance(field.default, Path) and field.default.is_relative_to(PROJECT):
        return str(field.default.relative_to(PROJECT))
    return "none" if field.default in (None, "", ()) else str(field.default)


def _connection(source: SourceSystem) -> str:
    lines = [f"# {source.description.title}\n"]
    for setting in source.description.settings:
        needed = "required" if setting.required else "optional"
        variable = f"STRATA_{source.name.upper()}__{setting.name.upper()}"
        lines.append(f"{_comment(f'{setting.description} ({needed}).')}# {variable}={setting.example}\n")
    return "".join(lines)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98))
