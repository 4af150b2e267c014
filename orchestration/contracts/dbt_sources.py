"""Writes dbt's source files from the contracts, so that bronze is described once.

``python -m orchestration.contracts.dbt_sources`` rewrites every
``models/silver/<source>/_sources.yml``; with ``--check`` it changes nothing and
fails when one of them no longer says what the contracts say.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.contracts.source import SourceSystem, find_sources
from orchestration.settings import load_settings

_HEADER = (
    "# Generated from source_systems/{source}/contracts by `python -m orchestration.contracts.dbt_sources`.\n"
    "# Change a contract and run that; what is written here by hand is lost.\n"
)
_PLATFORM_COLUMNS = {
    names.TENANT: ("text", "Tenant that the row belongs to; leads every key."),
    names.CONNECTION: ("text", "Connection of the tenant that the row came through; part of bronze's key."),
    names.LOAD_ID: ("text", "Load that wrote this version of the row; it stays when the row is found deleted."),
    names.LOADED_AT: ("timestamp", "When the row last changed here, deletion included; unchanged rows keep it."),
    names.DELETED_AT: ("timestamp", "When the row was found to be gone from the source; empty while it lives."),
}


class _IndentedLists(yaml.SafeDumper):
    """Indents list items below their key, as people write dbt files; the signature is PyYAML's."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def sources_path(dbt_dir: Path, source: str) -> Path:
    """Return where the dbt project keeps a source system's generated source file."""
    return dbt_dir / "models" / "silver" / source / "_sources.yml"


def render_sources(source: SourceSystem) -> str:
    """Return the text of a source system's dbt source file.

    Raises:
        StrataError: a contract or ``source.yaml`` is wrong; names the file and the place in it.
    """
    for fault in [source.fault, *source.faults.values()]:
        if fault:
            raise fault
    document = {"version": 2, "sources": [_source(source)]}
    body = yaml.dump(document, Dumper=_IndentedLists, sort_keys=False, width=116, allow_unicode=True)
    return _HEADER.format(source=source.name) + body


def write_sources(source: SourceSystem, dbt_dir: Path) -> Path:
    """Write a source system's dbt source file and return its path."""
    path = sources_path(dbt_dir, source.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_sources(source), encoding="utf-8")
    return path


def stale_sources(sources: Iterable[SourceSystem], dbt_dir: Path) -> list[Path]:
    """Return the generated files that are missing or differ from what the contracts say now."""
    expected = {sources_path(dbt_dir, source.name): render_sources(source) for source in sources}
    return [path for path, text in expected.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def _source(source: SourceSystem) -> dict[str, Any]:
    description = source.description
    schema = names.bronze_schema(source.name)
    dagster = {"group": source.name, "owners": [f"team:{description.owner}"]}
    return {
        "name": schema,
        "schema": schema,
        "description": f"{description.title}, as loaded. {description.description}".strip(),
        "config": {"tags": [source.name], "meta": {"dagster": dagster}},
        "tables": [_table(contract) for contract in source.contracts.values()],
    }


def _table(contract: Contract) -> dict[str, Any]:
    dagster = {"asset_key": list(contract.table), "group": contract.source, "owners": [f"team:{contract.owner}"]}
    return {
        "name": contract.entity,
        "description": contract.description,
        "config": {"meta": {"dagster": dagster, "contract_version": contract.version}},
        "columns": [*_platform_columns(), *(_column(column) for column in contract.columns)],
    }


def _platform_columns() -> list[dict[str, Any]]:
    return [
        {"name": name, "data_type": kind, "description": description}
        for name, (kind, description) in _PLATFORM_COLUMNS.items()
    ]


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "data_type": str(column.type), "description": column.description}
    return entry | {"config": {"meta": {"pii": column.pii_form.value}}} if column.pii else entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all source files, or with ``--check`` say which are stale; the exit code is 1 when any is."""
    parser = argparse.ArgumentParser(description="dbt source files from contracts")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    check: bool = parser.parse_args(arguments).check
    settings = load_settings()
    sources = find_sources(settings.sources_dir).values()
    stale = stale_sources(sources, settings.dbt_dir)
    if not check:
        for source in sources:
            write_sources(source, settings.dbt_dir)
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {path}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
