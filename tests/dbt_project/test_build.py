"""What a build leaves in the warehouse: the same by every way to it, living rows alone, tenants apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pytest

Rows = list[tuple[Any, ...]]


class Bronze(Protocol):
    path: Path

    def execute(self, sql: str) -> Rows: ...


class Dbt(Protocol):
    def run(self, *arguments: str, warehouse: Path, **environment: str) -> None: ...


@pytest.fixture(scope="session")
def rebuilt(later: Bronze, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The later warehouse, built anew with a full refresh; the unit tests run with it.

    Tests of the data do not: they have run on the later warehouse, and this has to be equal.
    """
    path = tmp_path_factory.mktemp("warehouse") / "rebuilt.duckdb"
    shutil.copy(later.path, path)
    selection = ("--select", "tag:silver", "tag:gold", "--exclude-resource-type", "test")
    dbt.run("build", *selection, "--full-refresh", warehouse=path)
    return path


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema IN ('silver', 'gold') ORDER BY ALL"
    ).fetchall()
    return [name for (name,) in rows]


def _content(path: Path) -> dict[str, list[str]]:
    """Every table's rows, in an order that does not depend on how they were written."""
    with duckdb.connect(str(path), read_only=True) as con:
        return {table: sorted(map(repr, con.execute(f"SELECT * FROM {table}").fetchall())) for table in _tables(con)}


def test_later_builds_leave_what_a_full_refresh_leaves_and_histories_stay(later: Bronze, rebuilt: Path) -> None:
    grown, refreshed = _content(later.path), _content(rebuilt)
    assert len(refreshed) > 40
    assert {table for table, rows in refreshed.items() if rows != grown[table]} == set()


def test_a_tombstone_is_gone_from_gold_and_from_grown_tables(first_day: Bronze, later: Bronze) -> None:
    before = set(first_day.execute("SELECT _tenant_id, customer_key, product_key, usage_date FROM silver.usage_daily"))
    deleted = set(
        later.execute(
            "SELECT _tenant_id, customer_key, product_key, usage_date FROM silver.product_usage_daily WHERE is_deleted"
        )
    )
    after = set(later.execute("SELECT _tenant_id, customer_key, product_key, usage_date FROM silver.usage_daily"))
    assert deleted & before
    assert not deleted & after


def test_no_row_of_a_tombstone_reaches_a_conformed_table(later: Bronze) -> None:
    for table in ("customer", "subscription", "license", "invoice", "payment", "credit_note"):
        source = f"silver.product_{table}"
        key = f"{table}_key"
        ((living,),) = later.execute(f"SELECT count(*) FROM {source} WHERE NOT is_deleted")
        conformed = "silver." + (table if table not in ("payment", "credit_note") else f"product_{table}")
        ((shared,),) = later.execute(
            f"SELECT count(*) FROM {conformed} AS t JOIN {source} AS s USING (_tenant_id, {key}) WHERE NOT s.is_deleted"
        )
        assert shared == living


def test_tenants_with_the_same_ids_never_mix(later: Bronze) -> None:
    shared = later.execute(
        "SELECT count(*) FROM silver.customer a JOIN silver.customer b USING (customer_key) "
        "WHERE a._tenant_id = 'acme' AND b._tenant_id = 'globex'"
    )
    assert shared[0][0] > 10
    for table, name in (
        ("gold.license_entitlement", "customer_name"),
        ("gold.customer_portal_account", "customer_name"),
    ):
        strangers = later.execute(
            f"SELECT count(*) FROM {table} AS t JOIN bronze_product.customer AS c "
            "ON t.customer_key = 'product|main|' || c.id AND t._tenant_id = c._tenant_id "
            f"WHERE t.{name} <> trim(c.name)"
        )
        assert strangers[0][0] == 0


def test_every_account_and_every_customer_is_found_again(later: Bronze) -> None:
    ((accounts, matched),) = later.execute(
        "SELECT (SELECT count(*) FROM silver.salesforce_account WHERE NOT is_deleted), count(*) "
        "FROM silver.customer_match"
    )
    assert accounts == matched
    rules = {rule for (rule,) in later.execute("SELECT DISTINCT match_rule FROM silver.customer_match")}
    assert {"external_ref", "unmatched"} <= rules <= {"external_ref", "salesforce_account_id", "domain", "unmatched"}


def test_histories_tell_versions_without_gap_or_overlap(later: Bronze) -> None:
    for table, key in (("customer_history", "customer_key"), ("contract_history", "contract_key")):
        versions = later.execute(
            "SELECT count(*), count(*) FILTER (next < valid_to), count(*) FILTER (valid_to <= valid_from) "
            f"FROM (SELECT *, lead(valid_from) OVER (PARTITION BY _tenant_id, {key} ORDER BY valid_from) AS next "
            f"FROM silver.{table})"
        )
        records = later.execute(f"SELECT count(DISTINCT (_tenant_id, {key})) FROM silver.{table}")
        assert versions[0][0] > records[0][0], f"{table}: nothing changed in five days"
        assert versions[0][1:] == (0, 0)
    renamed = later.execute(
        "SELECT customer_name, is_current FROM silver.customer_history WHERE _tenant_id = 'acme' AND customer_key = "
        "(SELECT customer_key FROM silver.customer WHERE customer_name = 'Renamed Works') ORDER BY valid_from"
    )
    assert [current for _, current in renamed] == [False] * (len(renamed) - 1) + [True]
    assert len({name for name, _ in renamed}) == 2
    open_versions = "SELECT _tenant_id, customer_key, customer_status FROM silver.customer_history WHERE is_current"
    now = "SELECT _tenant_id, customer_key, customer_status FROM silver.customer"
    assert sorted(later.execute(open_versions)) == sorted(later.execute(now))


def test_recurring_revenue_of_the_ledger_is_that_of_the_subscriptions(later: Bronze) -> None:
    standing = later.execute("SELECT _tenant_id, currency, sum(mrr) FROM silver.subscription GROUP BY ALL ORDER BY ALL")
    told = later.execute(
        "SELECT _tenant_id, currency, arg_max(closing_mrr, mrr_month) FROM gold.report_mrr_by_month "
        "GROUP BY ALL ORDER BY ALL"
    )
    amounts = {(tenant, currency): amount for tenant, currency, amount in told}
    assert {(t, c): a for t, c, a in standing if a} == {key: amount for key, amount in amounts.items() if amount}


def test_the_use_of_every_license_is_judged(later: Bronze) -> None:
    found = {status for (status,) in later.execute("SELECT DISTINCT usage_status FROM gold.license_usage")}
    assert {"within_limit"} <= found <= {"unused", "within_limit", "near_limit", "over_limit", "unlicensed"}
    entitled = "SELECT DISTINCT _tenant_id, customer_key, product_key FROM gold.license_entitlement WHERE is_entitled"
    judged = "SELECT _tenant_id, customer_key, product_key FROM gold.license_usage"
    assert set(later.execute(entitled)) <= set(later.execute(judged))
