"""Which tables are made from an entity, and by which column a row of theirs is one record of it.

Silver writes keys without the entity (``product|main|2`` is a user, a customer and an
invoice), so a key means somebody only in a column that is known to hold keys of that
entity. It is known of the key of the entity's own cleansing model, of a key of the same
name in a model made from it, and of a column that its model declares in
``config.meta.keys_of``. Everything else counts as somebody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration import names
from orchestration.bronze.lineage import downstream, model_keys, read_manifest
from orchestration.names import Table
from orchestration.scripts.lineage import lineages
from orchestration.scripts.source import FOLDER
from orchestration.settings import Settings

_OF_A_VERSION = "valid_from"
"""The second part of a history's key: its rows are versions of one record."""


@dataclass(frozen=True)
class Derivation:
    """What the last good state of the dbt project and the financial scripts say of tables after bronze."""

    settings: Settings
    models: Mapping[Table, Mapping[str, Any]]
    keys: Mapping[Table, tuple[str, ...]]
    parents: Mapping[Table, Collection[Table]]
    scripts: Mapping[Table, Collection[Table]]

    def is_known(self, table: Table) -> bool:
        """Say whether anything is known of how a table is made."""
        return table in self.models or table in self.scripts

    def made_from(self, entity: Table) -> set[Table]:
        """Return every table that is made from an entity, directly or not; the entity is named by its bronze table."""
        made = set(downstream(self.settings, [entity]))
        while more := {table for table, reads in self.scripts.items() if made & set(reads)} - made:
            made |= more
        return made

    def record_column(self, table: Table, entity: Table) -> str | None:
        """Return the column whose key makes a row of the table a record of the entity; ``None``: no row is one."""
        column = self._own_key(table)
        if column is None or table not in self.made_from(entity):
            return None
        cleansing = {model: self._own_key(model) for model in self._cleansing(entity)}
        declared = _meta(self.models[table], column).get("keys_of", ())
        if table in cleansing or any(model[1] in declared for model in cleansing):
            return column
        return column if column in cleansing.values() and not self._is_of_another(column, entity) else None

    def personal_columns(self, table: Table, columns: Collection[str]) -> list[str]:
        """Return the columns that may hold personal values: those marked so, and those that nobody described."""
        described = self.models.get(table, {}).get("columns", {})
        beside = [name for name in columns if name not in self.keys.get(table, ())]
        return [name for name in beside if name not in described or "pii" in _meta(self.models[table], name)]

    def _own_key(self, table: Table) -> str | None:
        own = [name for name in self.keys.get(table, ()) if name not in (names.TENANT, _OF_A_VERSION)]
        return own[0] if len(own) == 1 and table in self.models else None

    def _cleansing(self, entity: Table) -> list[Table]:
        return [table for table, read in self.parents.items() if set(read) == {entity}]

    def _is_of_another(self, column: str, entity: Table) -> bool:
        """Say whether another entity of the source has a key of that name, so that the name alone says nothing."""
        return any(
            self._own_key(table) == column
            for table, read in self.parents.items()
            if len(set(read)) == 1 and entity not in read and {schema for schema, _ in read} == {entity[0]}
        )


def read_derivation(settings: Settings) -> Derivation:
    """Read the last good state of the project; before there is one, nothing is known."""
    manifest = read_manifest(settings) or {"nodes": {}, "sources": {}}
    scripts = lineages(settings.scripts_dir / FOLDER)
    nodes = {name: node for name, node in manifest["nodes"].items() if name.startswith("model.")}
    tables: dict[str, Table] = {name: (node["schema"], node["name"]) for name, node in nodes.items()}
    tables |= {name: (node["schema"], node["identifier"]) for name, node in manifest["sources"].items()}
    read = manifest.get("parent_map", {})
    return Derivation(
        settings,
        {tables[name]: node for name, node in nodes.items()},
        model_keys(settings),
        {tables[name]: [tables[parent] for parent in read.get(name, ()) if parent in tables] for name in nodes},
        {
            table: [read for builder in scripts if table in builder.writes for read in builder.reads]
            for item in scripts
            for table in item.writes
        },
    )


def _meta(model: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    described: Mapping[str, Any] = model.get("columns", {}).get(column, {})
    meta: Mapping[str, Any] = described.get("config", {}).get("meta") or described.get("meta") or {}
    return meta
