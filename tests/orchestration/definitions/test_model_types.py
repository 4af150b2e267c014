"""The types of models' columns come from the scripts' catalogue; a damaged one stops no location."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.definitions.transform.translator import model_translator
from orchestration.scripts.catalog import catalog_path
from orchestration.settings import Settings

MODEL = {"schema": "silver", "name": "account", "columns": {"name": {"name": "name"}}}


def _type_of_name(scripts: Path) -> str:
    settings = Settings(home=scripts / "home", scripts_dir=scripts, _env_file=None)  # type: ignore[call-arg]
    schema = model_translator(settings).get_metadata(MODEL)["dagster/column_schema"]
    return str(schema.columns[0].type)


def test_a_type_is_shown_as_contracts_write_it(tmp_path: Path) -> None:
    catalog_path(tmp_path).write_text("silver.account:\n  name: decimal(18,2)\n", encoding="utf-8")
    assert _type_of_name(tmp_path) == "decimal(18,2)"


@pytest.mark.parametrize("damaged", ["[", "silver.account: x", "silver.account:\n  name: decimal(x)", "- a"])
def test_a_catalogue_that_cannot_be_read_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: str
) -> None:
    catalog_path(tmp_path).write_text(damaged, encoding="utf-8")
    assert "decimal" not in _type_of_name(tmp_path)
    assert f"{catalog_path(tmp_path)} cannot be read" in caplog.text
    assert "strata generate" in caplog.text
