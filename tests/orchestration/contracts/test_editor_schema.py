"""The editors' schema: up to date, takes every contract of the project, refuses what the reader refuses."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestration.contracts.editor_schema import SCHEMA_FILE, render_schema
from orchestration.settings import PROJECT

CONTRACTS = sorted((PROJECT / "source_systems").glob("*/contracts/*.yaml"))


def test_the_file_is_what_the_code_renders() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema(), "run: strata generate"


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_contract_fits_and_names_the_schema(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json.loads(render_schema()))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../../orchestration/contracts/contract.schema.json"


@pytest.mark.parametrize(
    ("column", "fits"),
    [
        ({"classification": "pii", "customProperties": [{"property": "pii", "value": "mask"}]}, True),
        (
            {"classification": "pii", "customProperties": [{"property": "pii", "value": "clear", "description": "x"}]},
            True,
        ),
        ({"classification": "pii", "customProperties": [{"property": "pii", "value": "clear"}]}, False),
        ({"classification": "pii", "customProperties": [{"property": "pii", "value": "hide"}]}, False),
        ({"customProperties": [{"property": "pii", "value": "mask"}]}, False),
        ({"customProperties": [{"property": "calculated", "value": True}]}, True),
    ],
)
def test_the_form_of_a_personal_column_is_checked_as_the_reader_does(column: dict[str, object], fits: bool) -> None:
    contract = yaml.safe_load((CONTRACTS[0]).read_text(encoding="utf-8"))
    contract["schema"][0]["properties"][1] = {"name": "x", "physicalType": "text", **column}
    faults = list(jsonschema.Draft202012Validator(json.loads(render_schema())).iter_errors(contract))
    assert (not faults) is fits


def test_a_wrong_type_or_custom_property_is_underlined() -> None:
    contract = yaml.safe_load((CONTRACTS[0]).read_text(encoding="utf-8"))
    contract["schema"][0]["properties"][0]["physicalType"] = "money"
    with pytest.raises(jsonschema.ValidationError, match="money"):
        jsonschema.validate(contract, json.loads(render_schema()))
