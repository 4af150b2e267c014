"""dbt's source files come from the contracts, and say so when they no longer do."""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestration.contracts.dbt_sources import render_sources, sources_path, stale_sources, write_sources
from orchestration.contracts.dbt_sources_difference import source_differences
from orchestration.contracts.source import find_sources
from orchestration.settings import PROJECT

SOURCES = find_sources(PROJECT / "source_systems")


def test_the_projects_source_files_say_what_the_contracts_say() -> None:
    assert stale_sources(SOURCES.values(), PROJECT / "dbt_project") == []


def test_every_bronze_table_is_told_with_its_asset_key_its_owner_and_its_columns() -> None:
    for name, source in SOURCES.items():
        (entry,) = yaml.safe_load(render_sources(source))["sources"]
        assert entry["name"] == entry["schema"] == f"bronze_{name}"
        assert entry["config"]["tags"] == [name]
        assert [table["name"] for table in entry["tables"]] == list(source.contracts)
        for table in entry["tables"]:
            contract = source.contracts[table["name"]]
            dagster = table["config"]["meta"]["dagster"]
            assert dagster["asset_key"] == [f"bronze_{name}", contract.entity]
            assert dagster["owners"] == [f"team:{contract.owner}"]
            columns = [column["name"] for column in table["columns"] if not column["name"].startswith("_")]
            assert columns == [column.name for column in contract.columns]


def test_personal_columns_keep_their_mark() -> None:
    (entry,) = yaml.safe_load(render_sources(SOURCES["salesforce"]))["sources"]
    contact = next(table for table in entry["tables"] if table["name"] == "contact")
    marked = {column["name"] for column in contact["columns"] if column.get("config", {}).get("meta", {}).get("pii")}
    assert {"first_name", "last_name", "email", "phone"} <= marked


def test_a_file_that_is_missing_or_changed_by_hand_is_stale_until_it_is_written_again(tmp_path: Path) -> None:
    source = SOURCES["product"]
    path = sources_path(tmp_path, "product")
    assert stale_sources([source], tmp_path) == [path]
    assert write_sources(source, tmp_path) == path
    assert stale_sources([source], tmp_path) == []
    path.write_text(path.read_text() + "# a note\n")
    assert stale_sources([source], tmp_path) == [path]


def test_what_differs_is_told_by_table_and_column(tmp_path: Path) -> None:
    path = write_sources(SOURCES["product"], tmp_path)
    expected = path.read_text(encoding="utf-8")
    assert source_differences(path, expected) == []
    document = yaml.safe_load(expected)
    tables = {table["name"]: table for table in document["sources"][0]["tables"]}
    columns = {column["name"]: column for column in tables["invoice"]["columns"]}
    columns["due_on"]["name"], columns["status"]["data_type"] = "dew_on", "integer"
    tables["payment"]["name"] = "receipt"
    path.write_text(yaml.dump(document), encoding="utf-8")
    assert source_differences(path, expected) == [
        "bronze_product.invoice: dew_on is not in the contract any more",
        "bronze_product.invoice: due_on is new in the contract",
        "bronze_product.invoice: status is changed in the contract",
        "bronze_product.payment is new in the contracts",
        "bronze_product.receipt is not in the contracts any more",
    ]


def test_a_source_file_that_is_none_is_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text("sources: [1]", encoding="utf-8")
    assert source_differences(path, "sources: []") == ["it cannot be read as dbt's sources"]
