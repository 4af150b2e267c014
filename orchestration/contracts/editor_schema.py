"""The JSON Schema with which an editor completes and checks a contract while it is written.

It is the standard's own schema, narrowed to this project's types and custom
properties. The file is generated (``strata generate``) and named in each
contract's first line: ``# yaml-language-server: $schema=…``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard

from orchestration.contracts.model import Additions, Deletes, PiiForm

SCHEMA_FILE = Path(__file__).with_name("contract.schema.json")

_TYPE = (
    r"^(smallint|integer|bigint|double|boolean|date|timestamp|text|uuid|json"
    r"|text\(\d+\)|decimal\(\d+,\s*\d+\))$"
)
_DURATION = {"type": "string", "pattern": r"^\d+\s*[smhd]$"}
_FRACTION = {"type": "number", "minimum": 0, "maximum": 1}
CUSTOM_PROPERTIES: dict[str, tuple[dict[str, Any], str]] = {
    "cursor": ({"type": "string"}, "Timestamp column that moves with every change of a row."),
    "deletes": ({"enum": [item.value for item in Deletes]}, "How deletions are noticed between daily loads."),
    "softDeleteColumn": ({"type": "string"}, "Boolean column that marks a row as deleted."),
    "sweepEvery": (_DURATION, "Least time between two sweeps of keys."),
    "overlap": (_DURATION, "How far a delta reaches back behind its watermark."),
    "rejectThreshold": (_FRACTION, "Fraction of rejected rows that fails the load."),
    "shrinkThreshold": (_FRACTION, "Fraction of missing rows above which tombstones are held."),
    "additions": ({"enum": [item.value for item in Additions]}, "What happens to a column that the source grew."),
    "tenantColumn": ({"type": "string"}, "Column that tells tenants apart in a shared database."),
    "partitionBy": ({"type": "string"}, "Date or timestamp by whose months a server keeps the table in parts."),
}
"""Custom properties of a contract's schema object: the value's JSON Schema and its meaning."""
COLUMN_PROPERTIES: dict[str, tuple[dict[str, Any], str]] = {
    "calculated": ({"type": "boolean"}, "A formula that moves no cursor; only a full load sees it change."),
    "pii": (
        {"enum": [PiiForm.HASH.value, PiiForm.MASK.value]},
        "Form in which silver and everything after it show a personal column.",
    ),
}
"""Custom properties of a column."""


def render_schema() -> str:
    """Return the schema as JSON text."""
    schema = OpenDataContractStandard.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["SchemaProperty"]["properties"]["physicalType"] = {
        "type": "string", "pattern": _TYPE, "description": "Type in bronze: decimal(18,2), text(40), timestamp …",
    }  # fmt: skip
    for owner, known in (("SchemaObject", CUSTOM_PROPERTIES), ("SchemaProperty", COLUMN_PROPERTIES)):
        definitions[owner]["properties"]["customProperties"] = {"type": "array", "items": {"oneOf": _custom(known)}}
    definitions["SchemaProperty"]["allOf"] = [_PII_NEEDS_ITS_MARK]
    schema["title"] = "Strata contract"
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _custom(known: dict[str, tuple[dict[str, Any], str]]) -> list[dict[str, Any]]:
    entries = [_entry(name, value, meaning) for name, (value, meaning) in known.items()]
    return [*entries, _CLEAR_NEEDS_ITS_REASON] if known is COLUMN_PROPERTIES else entries


def _entry(name: str, value: dict[str, Any], meaning: str, *also: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"property": {"const": name}, "value": value, "description": {"type": "string", "minLength": 1}},
        "required": ["property", "value", *also],
        "description": meaning,
    }


_CLEAR_NEEDS_ITS_REASON = _entry(
    "pii", {"const": PiiForm.CLEAR.value}, "Silver shows the column as it is; the description says why.", "description"
)
_PII_NEEDS_ITS_MARK = {
    "if": {
        "properties": {
            "customProperties": {
                "type": "array",
                "contains": {"properties": {"property": {"const": "pii"}}, "required": ["property"]},
            }
        },
        "required": ["customProperties"],
    },
    "then": {"properties": {"classification": {"const": "pii"}}, "required": ["classification"]},
}
