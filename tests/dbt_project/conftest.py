"""A small warehouse with bronze filled from the simulated company, built on its first day and some days later."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from built_warehouse import FIRST_LOAD, TENANTS, Bronze, Dbt, first_target

from source_systems._simulation import World


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def first_day(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Bronze:
    """Bronze after the first load, built."""
    bronze = Bronze(tmp_path_factory.mktemp("warehouse") / "first.duckdb")
    for tenant in TENANTS:
        bronze.load(tenant, World(tenant, 7, 12).initial(), FIRST_LOAD)
        bronze.load_files(tenant, 0, FIRST_LOAD, bronze.path.parent / "accounting")
    dbt.build(bronze.path, "silver")
    dbt.build(bronze.path, "gold")
    shutil.copytree(dbt.scratch / "target" / "compiled", first_target(bronze) / "compiled")
    return bronze


@pytest.fixture(scope="session")
def later(first_day: Bronze, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Bronze:
    """The same warehouse some business days later, built incrementally; tenants were loaded at different times."""
    bronze = Bronze.__new__(Bronze)
    bronze.path = tmp_path_factory.mktemp("warehouse") / "later.duckdb"
    bronze.contracts = first_day.contracts
    shutil.copy(first_day.path, bronze.path)
    for day in range(1, 6):
        for hours, tenant in enumerate(TENANTS):
            at = FIRST_LOAD + timedelta(days=day, hours=-hours)
            bronze.load(tenant, World(tenant, 7, 12).day(day), at)
            if day == 5:
                bronze.load_files(tenant, day, at, first_day.path.parent / "accounting")
    _end_the_week(bronze)
    dbt.build(bronze.path, "silver", "gold")
    return bronze


def _end_the_week(bronze: Bronze) -> None:
    """Let happen what the story may leave out: a change of each history, a match and a day of use that end."""
    moment = (FIRST_LOAD + timedelta(days=6)).strftime("TIMESTAMP '%Y-%m-%d %H:%M:%S'")
    own = "_tenant_id = 'acme' AND _deleted_at IS NULL"
    bronze.execute(
        f"UPDATE bronze_product.customer SET name = 'Renamed Works', _loaded_at = {moment} "
        f"WHERE {own} AND id = (SELECT min(id) FROM bronze_product.customer WHERE {own})"
    )
    bronze.execute(
        f"UPDATE bronze_salesforce.account SET _deleted_at = {moment}, _loaded_at = {moment} "
        f"WHERE {own} AND customer_ref__c = (SELECT max(customer_ref__c) FROM bronze_salesforce.account WHERE {own})"
    )
    bronze.execute(
        f"UPDATE bronze_salesforce.contract SET contract_term = 99, _loaded_at = {moment} "
        f"WHERE {own} AND id = (SELECT min(id) FROM bronze_salesforce.contract WHERE {own})"
    )
    bronze.execute(
        f"UPDATE bronze_product.usage_daily SET _deleted_at = {moment}, _loaded_at = {moment} "
        f"WHERE {own} AND usage_date = (SELECT min(usage_date) FROM bronze_product.usage_daily WHERE {own})"
    )
