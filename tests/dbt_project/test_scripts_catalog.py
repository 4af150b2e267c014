"""The committed catalogue says what the models build: the columns that scripts see, and what each is made of."""

from __future__ import annotations

import duckdb
from built_warehouse import Bronze, first_target

from orchestration.quality.personal import personal_columns
from orchestration.scripts.catalog import bronze_catalog, catalog_of, catalog_path, describe, render_catalog
from orchestration.settings import PROJECT
from orchestration.warehouse.duckdb import DuckDBSession

REMEDY = "sql_scripts/catalog.yml is stale: in a new STRATA_HOME, `strata run` and `strata generate`; then commit it."


def test_the_committed_catalogue_is_what_the_models_build(first_day: Bronze) -> None:
    with duckdb.connect(str(first_day.path), read_only=True) as con:
        built = render_catalog(describe(DuckDBSession(con).all_columns(), [first_target(first_day)], "duckdb"))
    assert catalog_path(PROJECT / "sql_scripts").read_text(encoding="utf-8") == built, REMEDY


def test_bronze_is_the_same_by_its_contracts_and_in_a_warehouse(first_day: Bronze) -> None:
    contracts = list(first_day.contracts.values())
    with duckdb.connect(str(first_day.path), read_only=True) as con:
        online = catalog_of(DuckDBSession(con).all_columns(), personal_columns(contracts))
    offline = bronze_catalog(contracts)
    assert {table: columns for table, columns in online.items() if table[0].startswith("bronze_")} == offline
    assert "email" not in offline["bronze_product", "app_user"]
