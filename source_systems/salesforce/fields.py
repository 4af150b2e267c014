"""From an object's ``describe`` to the contract's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.contracts.types import ColumnType

_PLAIN = {
    "int": ColumnType("integer"),
    "long": ColumnType("bigint"),
    "boolean": ColumnType("boolean"),
    "date": ColumnType("date"),
    "datetime": ColumnType("timestamp"),
    # HH:MM:SS.mmmZ: a time of day has no type of its own in the warehouse.
    "time": ColumnType("text"),
}
_DECIMALS = ("double", "currency", "percent")
# Compound fields are refused by the Bulk API and repeat their parts; binaries are no rows.
_LEFT_OUT = ("address", "location", "base64", "complexvalue")


@dataclass(frozen=True)
class Description:
    """What an object is now; ``replicateable`` says whether it has a deleted feed."""

    columns: Mapping[str, ColumnType]
    replicateable: bool


def read_description(body: Mapping[str, Any]) -> Description:
    """Read the reply of ``sobjects/<object>/describe``."""
    columns = {field["name"]: type_of(field) for field in body["fields"] if field["type"] not in _LEFT_OUT}
    return Description(columns, bool(body["replicateable"]))


def type_of(field: Mapping[str, Any]) -> ColumnType:
    """Return the type that holds every value of a field; pick lists, references and unknown types are text."""
    kind = field["type"]
    if kind in _DECIMALS:
        return ColumnType("decimal", precision=field["precision"], scale=field["scale"])
    return _PLAIN.get(kind) or ColumnType("text", length=field.get("length") or 0)
