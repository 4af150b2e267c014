"""What the documentation shows of events is what is sent, and what it tells to write works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs

from orchestration.delivery.events.catalogue import PLATFORM_TYPES, event_types
from orchestration.publication.event_queries import read_event_queries
from orchestration.settings import PROJECT, Settings

CONSUMER = (PROJECT / "docs" / "consumer" / "events.md").read_text(encoding="utf-8")
ENGINEER = (PROJECT / "docs" / "data-engineer" / "business-events.md").read_text(encoding="utf-8")


def test_the_documented_envelope_fits_the_schema_of_its_type() -> None:
    (shown,) = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", CONSUMER, re.DOTALL)]
    name, _, version = shown["type"].rpartition(".v")
    kind = PLATFORM_TYPES[name]
    assert (int(version), shown["dataschema"]) == (kind.version, kind.schema_uri)
    jsonschema_rs.validate(kind.schema, shown["data"])
    assert set(shown["data"]) <= set(kind.schema["properties"])


def test_every_event_is_in_the_documentation() -> None:
    assert [name for name in event_types(Settings(_env_file=None)) if f"`{name}`" not in CONSUMER] == []


def test_the_documented_business_event_is_a_type(tmp_path: Path) -> None:
    (example,) = re.findall(r"```sql\n(.*?)```", ENGINEER, re.DOTALL)
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "license.over.sql").write_text(example, encoding="utf-8")
    (query,), faults = read_event_queries(Settings(scripts_dir=tmp_path, _env_file=None))
    assert faults == {}
    assert (query.subject, query.fires_on) == ("customer_key", ("product_key", "usage_status"))
