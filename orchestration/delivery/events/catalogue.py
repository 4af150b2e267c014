"""The types of events there are: the platform's own, and those that a file with a query makes.

A type's version rises when a consumer of the old shape of its data could not read the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestration.failures import SettingsError
from orchestration.publication.event_log import CLOSE_PUBLISHED, LOAD_FAILED, QUALITY_FAILED, SCHEMA_CHANGED
from orchestration.settings import Settings

TABLE_UPDATED = "gold.table.updated"
ROWS_CHANGED = "gold.rows.changed"

Schema = dict[str, Any]
_TEXT, _COUNT, _FLAG = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_VERSION = {"type": ["integer", "null"]}


@dataclass(frozen=True)
class EventType:
    """A type of event; ``about_table``: it is about a table's version; ``schema`` is the JSON Schema of its data."""

    name: str
    version: int
    description: str
    about_table: bool
    schema: Schema

    @cached_property
    def versioned(self) -> str:
        """The name as envelopes have it, ``load.failed.v1``."""
        return f"{self.name}.v{self.version}"

    @cached_property
    def schema_uri(self) -> str:
        """What names the schema of its data."""
        return f"urn:strata:event:{self.name}:v{self.version}"


def described(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the JSON Schema of an object with these members."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


_OF_VERSION: dict[str, Schema] = {"table": _TEXT, "version": {"type": "integer"}, "previous_version": _VERSION}
_COUNTS: dict[str, Schema] = {"inserted": _COUNT, "updated": _COUNT, "deleted": _COUNT}
_ROWS: Schema = {"type": "array", "items": {"type": "object"}}

_PLATFORM = (
    EventType(
        TABLE_UPDATED,
        1,
        "A new version of a table is published in which rows of the tenant differ.",
        about_table=True,
        schema=described(_OF_VERSION, {**_COUNTS, "key": _TEXTS, "publications": _COUNT, "rows": _ROWS}),
    ),
    EventType(
        ROWS_CHANGED,
        1,
        "Rows of the tenant were inserted, updated or deleted since the version that was delivered last.",
        about_table=True,
        schema=described(
            {**_OF_VERSION, **_COUNTS}, {"complete": _FLAG, "key": _TEXTS, "publications": _COUNT, "rows": _ROWS}
        ),
    ),
    EventType(
        CLOSE_PUBLISHED,
        1,
        "Financial gold of the tenant was built and its new versions are published.",
        about_table=False,
        schema=described(
            {"tables": {"type": "array", "items": described({"table": _TEXT, "version": {"type": "integer"}})}},
            {"as_of": {"type": "string", "format": "date"}, "close_id": _TEXT},
        ),
    ),
    EventType(
        LOAD_FAILED,
        1,
        "A load of one of the tenant's sources failed; bronze is as it was.",
        about_table=False,
        schema=described(
            {
                "source": _TEXT,
                "entity": _TEXT,
                "connection": _TEXT,
                "load_id": _TEXT,
                "failure": _TEXT,
                "message": _TEXT,
            }
        ),
    ),
    EventType(
        QUALITY_FAILED,
        1,
        "A rule of a quality gate is broken; one that blocks keeps the table's last published version in place.",
        about_table=False,
        schema=described({"gate": _TEXT, "table": _TEXT, "rule": _TEXT, "blocks": _FLAG}, {"failed_rows": _COUNT}),
    ),
    EventType(
        SCHEMA_CHANGED,
        1,
        "Columns at a source are gone, have another type or are new.",
        about_table=False,
        schema=described({"source": _TEXT, "entity": _TEXT, "connection": _TEXT, "breaking": _FLAG, "change": _TEXT}),
    ),
)


PLATFORM_TYPES = {kind.name: kind for kind in _PLATFORM}
"""The platform's own types by name."""


def event_types(settings: Settings) -> dict[str, EventType]:
    """Return every type by name; a file with a fault makes none (``strata events`` tells of it)."""
    from orchestration.delivery.events.business import business_types  # noqa: PLC0415 - sqlglot, for who needs it

    return PLATFORM_TYPES | {kind.name: kind for kind in business_types(settings)}


def event_type(settings: Settings, name: str) -> EventType:
    """Return a type.

    Raises:
        SettingsError: there is none of that name.
    """
    found = PLATFORM_TYPES.get(name) or event_types(settings).get(name)
    if found is None:
        raise SettingsError(f"There is no event type {name!r}.", "See: strata events")
    return found
