"""Gives the materialisations of dbt's models the number of rows that their tables have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.definitions.row_counts import row_counts
from orchestration.names import Table
from orchestration.runtime import Runtime


def with_row_counts(events: Sequence[Any], runtime: Runtime, nodes: Mapping[str, Any]) -> Iterator[Any]:
    """Yield dbt's events in their order; those of views as they are, for to count a view is to run its query."""
    tables = [_table_built(event, nodes) for event in events]
    rows = row_counts(runtime, {table for table in tables if table})
    for event, table in zip(events, tables, strict=True):
        counted = rows.get(table) if table else None
        known = {} if counted is None else {"dagster/row_count": counted}
        yield event.with_metadata({**event.metadata, **known}) if known else event


def _table_built(event: object, nodes: Mapping[str, Any]) -> Table | None:
    if not isinstance(event, dg.Output):
        return None
    node = nodes[str(event.metadata["unique_id"].value)]
    return None if node["config"]["materialized"] == "view" else (node["schema"], node["name"])
