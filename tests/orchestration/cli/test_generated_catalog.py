"""The catalogue of silver and gold is written from the warehouse there is, whatever engine it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from made_tables import make_table

from orchestration.cli.generated import built_catalog
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

CUSTOMERS = "SELECT 'acme' AS _tenant_id, 7::BIGINT AS id, 'Ada' AS name, 1.5::DECIMAL(9, 2) AS worth"
MODELS = {
    "duckdb": 'SELECT c."_tenant_id", c."id", upper(c."name") AS name, c."worth" FROM "bronze_shop"."customer" AS c',
    "sqlserver": "SELECT c.[_tenant_id], c.[id], upper(c.[name]) AS name, c.[worth] FROM [bronze_shop].[customer] c",
}


@pytest.fixture
def settings(settings_of: Callable[..., Settings], tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "home", scripts_dir=tmp_path / "scripts")


def test_a_built_table_is_described_with_its_types_and_what_its_columns_are_made_of(
    settings: Settings, warehouse: str
) -> None:
    with open_warehouse(settings).session("build") as session:
        for schema in ("bronze_shop", "silver"):
            make_table(session, (schema, "customer"), CUSTOMERS)
    model = settings.home / "dbt" / "runs" / "one" / "compiled" / "project" / "models" / "customer.sql"
    model.parent.mkdir(parents=True)
    model.write_text(MODELS[warehouse], encoding="utf-8")
    file = built_catalog(settings)
    assert file is not None
    assert file.path == settings.scripts_dir / "catalog.yml"
    assert yaml.safe_load(file.text) == {
        "silver.customer": {
            "_reads": "bronze_shop.customer",
            "id": "bigint <- bronze_shop.customer.id",
            "name": "nvarchar(max) <- bronze_shop.customer.name",
            "worth": "decimal(9,2) <- bronze_shop.customer.worth",
        }
    }


def test_where_nothing_is_built_there_is_no_catalogue(settings: Settings) -> None:
    assert built_catalog(settings) is None
