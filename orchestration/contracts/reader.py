"""Reads Open Data Contract Standard files into :class:`Contract`.

The standard's own Pydantic model checks the form; what the engine needs beyond
the standard stands in ``customProperties`` of the schema object (listed in
``editor_schema.py``), and those of a column in ``customProperties`` of the property.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty
from pydantic import ValidationError

from orchestration.contracts.editor_schema import COLUMN_PROPERTIES, CUSTOM_PROPERTIES
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.personal import pii_form
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.contracts.yaml_file import NotYaml, read_yaml
from orchestration.failures import ContractViolated

_REMEDY = "See docs/data-engineer/contracts.md for the form."
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_DURATION = re.compile(r"^(\d+)\s*([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_contracts(folder: Path, source: str) -> dict[str, Contract]:
    """Read every ``*.yaml`` of a ``contracts`` folder, by entity name.

    Raises:
        ContractViolated: a file is wrong; names the file and the place in it.
    """
    contracts = (read_contract(path, source) for path in sorted(folder.glob("*.yaml")))
    return {contract.entity: contract for contract in contracts}


def read_contract(path: Path, source: str) -> Contract:
    """Read one contract file of a source system."""
    try:
        document = _parse(path)
        return _build(document, source, path)
    except NotYaml as error:
        raise ContractViolated(str(error), _REMEDY) from None
    except (ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        raise ContractViolated(f"{path}: {reason}.", _REMEDY) from error


def _parse(path: Path) -> OpenDataContractStandard:
    try:
        return OpenDataContractStandard.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        msg = f"{place}: {first['msg']}"
        raise ValueError(msg) from error


def _build(document: OpenDataContractStandard, source: str, path: Path) -> Contract:
    schema = _only_schema(document)
    extra = _custom(schema, CUSTOM_PROPERTIES, "customProperties")
    entity = schema.name or path.stem
    if entity != path.stem:
        msg = f"schema name {entity!r} differs from the file's name {path.stem!r}"
        raise ValueError(msg)
    columns = tuple(_column(prop) for prop in schema.properties or [])
    contract = Contract(
        source=source,
        entity=entity,
        version=document.version or "0",
        description=(schema.description or "").strip(),
        owner=_owner(document),
        physical_name=schema.physicalName or entity,
        columns=columns,
        key=_key(schema.properties or []),
        cursor=extra.get("cursor"),
        deletes=Deletes(extra.get("deletes", "daily")),
        soft_delete_column=extra.get("softDeleteColumn"),
        sweep_every=_duration(extra.get("sweepEvery", "1h")),
        overlap=_duration(extra.get("overlap", "15m")),
        reject_threshold=_fraction(extra.get("rejectThreshold", 0.1), "rejectThreshold"),
        shrink_threshold=_fraction(extra.get("shrinkThreshold", 0.2), "shrinkThreshold"),
        freshness=_freshness(document),
        additions=Additions(extra.get("additions", "load")),
        tenant_column=extra.get("tenantColumn"),
        partition_by=extra.get("partitionBy"),
    )
    _check(contract)
    return contract


def _only_schema(document: OpenDataContractStandard) -> SchemaObject:
    schemas = document.schema_ or []
    if len(schemas) != 1:
        msg = f"schema: one entity a file, found {len(schemas)}"
        raise ValueError(msg)
    return schemas[0]


def _custom(item: SchemaObject | SchemaProperty, known: Collection[str], place: str) -> dict[str, Any]:
    extra = {str(entry.property): entry.value for entry in item.customProperties or []}
    if unknown := sorted(set(extra) - set(known)):
        msg = f"{place}: {unknown[0]!r} is unknown; known are {', '.join(sorted(known))}"
        raise ValueError(msg)
    return extra


def _column(prop: SchemaProperty) -> Column:
    name = prop.name or ""
    if not _NAME.match(name):
        msg = f"column {name!r}: names are snake_case and start with a letter (underscores lead platform columns)"
        raise ValueError(msg)
    extra = _custom(prop, COLUMN_PROPERTIES, f"column {name!r}: customProperties")
    kind = _type(prop, name)
    return Column(
        name=name,
        source_name=prop.physicalName or name,
        type=kind,
        required=bool(prop.required or prop.primaryKey),
        allowed=tuple(str(entry.value) for entry in prop.enum or ()),
        pii=prop.classification == "pii",
        pii_form=pii_form(prop, kind),
        calculated=bool(extra.get("calculated", False)),
        description=(prop.description or "").strip(),
    )


def _type(prop: SchemaProperty, name: str) -> ColumnType:
    try:
        return parse_type(prop.physicalType or "")
    except ValueError as error:
        msg = f"column {name!r}: {error}"
        raise ValueError(msg) from error


def _key(properties: list[SchemaProperty]) -> tuple[str, ...]:
    parts = [prop for prop in properties if prop.primaryKey]
    return tuple(prop.name or "" for prop in sorted(parts, key=lambda prop: prop.primaryKeyPosition or 0))


def _owner(document: OpenDataContractStandard) -> str:
    team = document.team
    name = getattr(team, "name", None)
    if not name:
        msg = "team.name is missing: somebody has to own the data"
        raise ValueError(msg)
    return str(name)


def _freshness(document: OpenDataContractStandard) -> timedelta:
    for sla in document.slaProperties or []:
        if sla.property == "freshness":
            return _duration(f"{sla.value}{sla.unit}")
    return timedelta(hours=26)


def _duration(text: object) -> timedelta:
    match = _DURATION.match(str(text))
    if not match:
        msg = f"{text!r} is no duration; write 15m, 1h or 2d"
        raise ValueError(msg)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _fraction(value: object, name: str) -> float:
    fraction = float(str(value))
    if not 0 <= fraction <= 1:
        msg = f"{name}: {value} is no fraction between 0 and 1"
        raise ValueError(msg)
    return fraction


def _check(contract: Contract) -> None:
    """Refuse what would only fail later, in the middle of a load."""
    known = [column.name for column in contract.columns]
    if doubles := sorted({name for name in known if known.count(name) > 1}):
        msg = f"column {doubles[0]!r} stands twice"
        raise ValueError(msg)
    if not contract.key:
        msg = "no column has primaryKey: true; without a key deletions cannot be told"
        raise ValueError(msg)
    named = {
        "cursor": contract.cursor,
        "softDeleteColumn": contract.soft_delete_column,
        "partitionBy": contract.partition_by,
    }
    for role, name in named.items():
        if name and name not in known:
            msg = f"{role}: {name!r} is no column"
            raise ValueError(msg)
    if contract.cursor and contract.column(contract.cursor).type.kind != "timestamp":
        msg = f"cursor: {contract.cursor!r} must be a timestamp"
        raise ValueError(msg)
    if contract.partition_by and contract.column(contract.partition_by).type.kind not in ("date", "timestamp"):
        msg = f"partitionBy: {contract.partition_by!r} must be a date or a timestamp"
        raise ValueError(msg)
