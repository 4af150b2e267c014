"""What Dagster shows of a dbt model: its description, and its columns with their types in the words of contracts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import yaml
from dagster_dbt import DagsterDbtTranslator

from orchestration.definitions.specs import type_name
from orchestration.names import Table
from orchestration.scripts.catalog import catalog_path, read_catalog
from orchestration.settings import Settings
from orchestration.warehouse.ddl import PLATFORM_TYPES

_log = logging.getLogger(__name__)
ColumnTypes = Mapping[Table, Mapping[str, str]]
"""The columns of tables with their DuckDB types."""


class ModelTranslator(DagsterDbtTranslator):
    """Keys are schema and name; the sources' keys, groups and owners stand in the project's YAML."""

    def __init__(self, known: ColumnTypes) -> None:
        """Keep the types that are shown of columns for which the project's YAML declares none."""
        super().__init__()
        self._known = known

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the description alone: by default the model's Jinja would follow it."""
        return str(dbt_resource_props.get("description") or "")

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the default does, with types named as bronze and financial gold name theirs."""
        known = {**PLATFORM_TYPES, **self._known.get((dbt_resource_props["schema"], dbt_resource_props["name"]), {})}
        columns = {
            name: {**column, "data_type": type_name(column.get("data_type") or known.get(name, ""))}
            for name, column in dbt_resource_props.get("columns", {}).items()
        }
        return super().get_metadata({**dbt_resource_props, "columns": columns})


def model_translator(settings: Settings) -> ModelTranslator:
    """Return the translator that knows the types in the scripts' catalogue, and none where that cannot be read."""
    path = catalog_path(settings.scripts_dir)
    try:
        columns = read_catalog(path).columns
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError, IndexError) as error:
        # The names of types are no reason for a location not to load.
        _log.warning("%s cannot be read (%s): run strata generate.", path, type(error).__name__)
        columns = {}
    return ModelTranslator({t: {name: kind.duckdb for name, kind in found.items()} for t, found in columns.items()})
