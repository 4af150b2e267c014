"""Rows of an org's file as REST shows them (JSON, numbers exact) and as the Bulk API does (CSV, all quoted)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from source_systems.salesforce.simulator.schema import COMPOUND, DECIMALS, Field, SObject

_ADDRESS_PARTS = ("Street", "City", "Country")
_PLAIN_FROM, _PLAIN_BELOW = Decimal("0.001"), Decimal(10**7)
encoder = msgspec.json.Encoder()


def columns_of(sobject: SObject, fields: Sequence[Field]) -> list[str]:
    """Return the stored columns that the fields need; a compound field needs its parts."""
    names = [name for field in fields for name in _stored_names(sobject, field)]
    return list(dict.fromkeys(names))


def json_record(sobject: SObject, fields: Sequence[Field], row: dict[str, Any], version: str) -> dict[str, Any]:
    """Return one record of a query's answer."""
    record: dict[str, Any] = {"attributes": {"type": sobject.name}}
    if "Id" in row:
        record["attributes"]["url"] = f"/services/data/{version}/sobjects/{sobject.name}/{row['Id']}"
    for field in fields:
        record[field.name] = _json_value(sobject, field, row)
    return record


def csv_record(fields: Sequence[Field], row: Sequence[Any], delimiter: str, line_end: str) -> bytes:
    """Return one line of results; an empty value stands for null, as Salesforce has no empty texts."""
    values = (_csv_value(field, value).replace('"', '""') for field, value in zip(fields, row, strict=True))
    return (delimiter.join(f'"{value}"' for value in values) + line_end).encode()


def _stored_names(sobject: SObject, field: Field) -> list[str]:
    if field.type not in COMPOUND:
        return [field.name]
    stem = field.name.removesuffix("Address")
    return [stem + part for part in _ADDRESS_PARTS if sobject.field(stem + part)]


def _json_value(sobject: SObject, field: Field, row: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if field.type in COMPOUND:
        stem = field.name.removesuffix("Address")
        return {name.removeprefix(stem).lower(): row[name] for name in _stored_names(sobject, field)}
    value = row[field.name]
    if value is None or field.type in ("int", "string"):
        return value
    if field.type == "boolean":
        return bool(value)
    if field.type == "datetime":
        return f"{value}.000+0000"
    return msgspec.Raw(number(str(value)).encode()) if field.type in DECIMALS else value


def number(text: str) -> str:
    """Write a number as Java does, digit for digit: ``10.0``, ``11323.3``, and ``3.5E8`` from ten million up."""
    exact = Decimal(text).normalize()
    if exact and not _PLAIN_FROM <= abs(exact) < _PLAIN_BELOW:
        digits, exponent = "".join(map(str, exact.as_tuple().digits)), exact.adjusted()
        return f"{'-' if exact < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{exponent}"
    plain = format(exact, "f")
    return plain if "." in plain else f"{plain}.0"


def _csv_value(field: Field, value: Any) -> str:  # noqa: ANN401 - any field's value
    if value is None:
        return ""
    if field.type == "boolean":
        return "true" if value else "false"
    if field.type == "datetime":
        return f"{value}.000Z"
    return number(str(value)) if field.type in DECIMALS else str(value)
