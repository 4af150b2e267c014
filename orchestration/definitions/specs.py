"""What Dagster shows of an entity: its asset spec, made from its contract alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dagster as dg

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.contracts.source import SourceSystem
from orchestration.failures import StrataError

FAULTY_SOURCE = "source_yaml"
"""The asset that stands for a source whose ``source.yaml`` cannot be read."""

PUBLISHED = "published"
"""What leads the keys of published versions."""
PLATFORM_TEAM = "team:platform"
"""Owns what no contract, model or script names an owner of."""

_TEXT = re.compile(r"^(varchar|string)\b")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


def asset_key(table: names.Table, lead: str = "") -> dg.AssetKey:
    """Return a table's asset key, below ``lead``.

    What Dagster takes in no name is written as its number, so that no table's name keeps a location from loading.
    """
    return dg.AssetKey([*([lead] if lead else []), *(re.sub(r"[^A-Za-z0-9_]", _numbered, part) for part in table)])


def _numbered(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):x}_"


def published_key(table: names.Table) -> dg.AssetKey:
    """Return the key of a table's published versions."""
    return asset_key(table, PUBLISHED)


def team(owner: str) -> str:
    """Return an owner in the form that Dagster takes: the address that is in it, anything else as a team."""
    if address := _ADDRESS.search(owner):
        return address[0]
    return "team:" + (re.sub(r"[^a-z0-9_-]+", "-", owner.lower()).strip("-") or "unknown")


def type_name(kind: str) -> str:
    """Return a column's type as contracts write it; dbt says ``string`` for text, a warehouse ``VARCHAR(8)``."""
    return _TEXT.sub("text", kind.lower())


def bronze_specs(source: SourceSystem) -> list[dg.AssetSpec]:
    """Return one spec for each entity, those with a broken contract included."""
    good = [contract_spec(contract, source) for contract in source.contracts.values()]
    return good + [_faulty_spec(name, error, source) for name, error in faults(source).items()]


def faults(source: SourceSystem) -> dict[str, StrataError]:
    """Return what of a source cannot be read, by the asset's name."""
    return {FAULTY_SOURCE: source.fault} if source.fault else source.faults


def contract_spec(contract: Contract, source: SourceSystem) -> dg.AssetSpec:
    """Return the spec of one bronze table."""
    return dg.AssetSpec(
        key=asset_key(contract.table),
        group_name=source.name,
        kinds={source.description.kind, "duckdb"},
        owners=[team(contract.owner)],
        description=contract.description or f"{contract.physical_name} of {source.description.title}.",
        code_version=contract.version,
        metadata={
            "dagster/column_schema": dg.TableSchema(columns=list(_columns(contract.columns))),
            "dagster/table_name": ".".join(contract.table),
            "source_entity": contract.physical_name,
            "primary_key": ", ".join(contract.key),
            "cursor": contract.cursor or "none: every load is full",
            "deletes": contract.deletes.value,
        },
        # An asset counts as fresh from its last materialisation, and it is only materialised when
        # every tenant has loaded: the worst tenant counts.
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=contract.freshness),
    )


def _columns(columns: Iterable[Column]) -> Iterable[dg.TableColumn]:
    for column in columns:
        yield dg.TableColumn(
            name=column.name,
            type=str(column.type),
            description=column.description or None,
            constraints=dg.TableColumnConstraints(nullable=not column.required, other=_allowed(column)),
            tags={"pii": ""} if column.pii else None,
        )


def _allowed(column: Column) -> list[str]:
    return [f"one of: {', '.join(column.allowed)}"] if column.allowed else []


def _faulty_spec(name: str, error: StrataError, source: SourceSystem) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=asset_key(names.bronze_table(source.name, name)),
        group_name=source.name,
        kinds={"broken"},
        owners=[team(source.description.owner)],
        description=f"Cannot be loaded. {error}",
        metadata={"fault": str(error)},
    )
