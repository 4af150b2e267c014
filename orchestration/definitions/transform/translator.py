"""What Dagster shows of a dbt model: its own description and its columns' types, in the words of contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_dbt import DagsterDbtTranslator

from orchestration.definitions.specs import type_name


class ModelTranslator(DagsterDbtTranslator):
    """Keys are schema and name; the sources' keys, groups and owners stand in the project's YAML."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the description alone: by default the model's Jinja would follow it."""
        return str(dbt_resource_props.get("description") or "")

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the default does, with types named as bronze and financial gold name theirs."""
        columns = {
            name: {**column, "data_type": type_name(column.get("data_type") or "")}
            for name, column in dbt_resource_props.get("columns", {}).items()
        }
        return super().get_metadata({**dbt_resource_props, "columns": columns})
