"""The small tables of a shop on which a warehouse is tried: contracts written and read, and rows by the number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contract
from orchestration.warehouse.protocol import Session


def contract_of(
    folder: Path,
    columns: Mapping[str, str],
    *,
    entity: str = "sale",
    required: Collection[str] = (),
    partition_by: str | None = None,
) -> Contract:
    """Write the contract of a table, and read it: its key is ``id``, ``columns`` are the types of the others."""
    others = [{"name": name, "physicalType": kind, "required": name in required} for name, kind in columns.items()]
    table: dict[str, Any] = {
        "name": entity,
        "properties": [{"name": "id", "physicalType": "bigint", "primaryKey": True}, *others],
    }
    if partition_by:
        table["customProperties"] = [{"property": "partitionBy", "value": partition_by}]
    form = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"shop.{entity}", "version": "1.0.0", "status": "active",
        "team": {"name": "sales"}, "schema": [table],
    }  # fmt: skip
    path = folder / f"{entity}.yaml"
    path.write_text(yaml.safe_dump(form), encoding="utf-8")
    return read_contract(path, "shop")


def retyped(contract: Contract, name: str, **changes: object) -> Contract:
    """Return a contract in which a column's type is changed."""
    column = contract.column(name)
    changed = replace(column, type=replace(column.type, **changes))
    return replace(contract, columns=tuple(changed if item is column else item for item in contract.columns))


def fill(session: Session, count: int, **values: str) -> None:
    """Put so many rows into the sales, whose other columns are what DuckDB makes of ``id``, the row's number."""
    session.execute(f"CREATE TEMP TABLE own AS SELECT range AS id FROM range({count})")
    session.execute(
        f"INSERT INTO bronze_shop.sale (_tenant_id, _connection, id, {', '.join(values)}) "
        f"SELECT 'acme', 'main', id, {', '.join(values.values())} FROM own"
    )
