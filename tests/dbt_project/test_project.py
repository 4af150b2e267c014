"""What holds for the dbt project itself: everything is told, keyed, owned, and marked where it is personal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from orchestration.contracts.model import PiiForm

PERSONAL = {"email", "full_name", "first_name", "last_name", "phone", "username", "account_owner_name"}
RESERVED = {
    # T-SQL's, Spark's and the standard's words that DuckDB would let pass as a column's name.
    "plan", "user", "key", "date", "percent", "public", "rule", "index", "file", "external", "current", "open", "close",
    "identity", "national", "option", "order", "group", "primary", "schema", "table", "view", "values", "timestamp",
}  # fmt: skip


class Bronze(Protocol):
    path: Path

    def execute(self, sql: str) -> list[tuple[Any, ...]]: ...


class Dbt(Protocol):
    manifest: dict[str, Any]


@pytest.fixture(scope="session")
def models(first_day: Bronze, dbt: Dbt) -> dict[str, dict[str, Any]]:
    nodes = dbt.manifest["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def test_every_column_of_every_table_is_told(first_day: Bronze, models: dict[str, dict[str, Any]]) -> None:
    for name, model in models.items():
        built = [column for column, *_ in first_day.execute(f"DESCRIBE {model['schema']}.{name}")]
        told = {column["name"] for column in model["columns"].values() if column["description"].strip()}
        assert set(built) == told, name


def test_every_model_has_a_key_that_its_tenant_leads(models: dict[str, dict[str, Any]], dbt: Dbt) -> None:
    tests = dbt.manifest["nodes"].values()
    keys = {
        test["attached_node"].rpartition(".")[2]: test["test_metadata"]["kwargs"]["columns"]
        for test in tests
        if (test.get("test_metadata") or {}).get("name") == "key"
    }
    assert set(keys) == set(models)
    assert {name for name, key in keys.items() if key[0] != "_tenant_id"} == {"calendar_month"}


def test_every_model_has_an_owner_and_a_layer(models: dict[str, dict[str, Any]]) -> None:
    for name, model in models.items():
        dagster = model["config"]["meta"]["dagster"]
        assert dagster["owners"][0].startswith("team:"), name
        assert dagster["group"], name
        assert model["schema"] in model["tags"], name


def test_gold_has_enforced_contracts(models: dict[str, dict[str, Any]]) -> None:
    gold = [model for model in models.values() if model["schema"] == "gold"]
    assert gold
    assert all(model["contract"]["enforced"] for model in gold)


def test_personal_columns_are_marked_with_their_form(models: dict[str, dict[str, Any]]) -> None:
    for name, model in models.items():
        marked = {c["name"]: c["config"].get("meta", {}).get("pii") for c in model["columns"].values()}
        found = {column: form for column, form in marked.items() if form}
        assert set(found) == PERSONAL & set(model["columns"]), name
        assert set(found.values()) <= {form.value for form in PiiForm}, name


def test_no_column_is_named_by_a_reserved_word(first_day: Bronze, models: dict[str, dict[str, Any]]) -> None:
    reserved = RESERVED | {
        word
        for (word,) in first_day.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        )
    }
    names = {(model, column) for model, node in models.items() for column in node["columns"]}
    assert {place for place in names if place[1] in reserved} == set()


def test_no_amount_is_a_floating_point_number(first_day: Bronze) -> None:
    floats = first_day.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_schema IN ('silver', 'gold') AND data_type IN ('DOUBLE', 'FLOAT', 'HUGEINT')"
    )
    assert floats == []
