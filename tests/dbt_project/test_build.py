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
    for table in ("customer", "subscription", "license", "invoice", "invoice_line", "payment", "credit_note"):
        source = f"silver.product_{table}"
        key = f"{table}_key"
        ((living,),) = later.execute(f"SELECT count(*) FROM {source} WHERE NOT is_deleted")
        ((shared, ghosts),) = later.execute(
            "SELECT count(*) FILTER (NOT s.is_deleted), count(*) FILTER (s.is_deleted) "
            f"FROM silver.{table} AS t LEFT JOIN {source} AS s USING (_tenant_id, {key})"
        )
        assert (shared, ghosts) == (living, 0), table


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


def test_the_ledger_balances_and_its_revenue_is_that_of_invoices_less_credits(later: Bronze) -> None:
    assert later.execute("SELECT sum(amount) FROM silver.gl_posting GROUP BY _tenant_id") == [(0,), (0,)]
    invoiced = """
        SELECT _tenant_id, document, sum(net) FROM (
            SELECT i._tenant_id, i.invoice_number AS document, l.net_amount AS net
            FROM silver.invoice_line AS l JOIN silver.invoice AS i USING (_tenant_id, invoice_key)
            WHERE i.currency = 'EUR' AND i.invoice_status <> 'void'
            UNION ALL
            SELECT c._tenant_id, i.invoice_number, -c.net_amount
            FROM silver.credit_note AS c JOIN silver.invoice AS i USING (_tenant_id, invoice_key)
            WHERE i.currency = 'EUR'
        ) GROUP BY ALL HAVING sum(net) <> 0 ORDER BY ALL"""
    booked = """
        SELECT p._tenant_id, p.document_number, sum(p.report_amount)
        FROM silver.gl_posting AS p JOIN silver.invoice AS i
        ON i._tenant_id = p._tenant_id AND i.invoice_number = p.document_number AND i.currency = 'EUR'
        WHERE p.pl_position = 'revenue' GROUP BY ALL HAVING sum(p.report_amount) <> 0 ORDER BY ALL"""
    assert later.execute(booked) == later.execute(invoiced) != []
    charts = later.execute("SELECT DISTINCT _tenant_id, chart FROM silver.gl_posting ORDER BY ALL")
    assert charts == [("acme", "SKR03"), ("globex", "SKR04")]


def test_what_a_new_export_of_a_stack_left_out_is_gone_from_the_ledger(first_day: Bronze, later: Bronze) -> None:
    replaced = "SELECT DISTINCT batch FROM silver.accounting_posting WHERE file_name LIKE '%_002.csv'"
    assert later.execute(replaced)
    ((ghosts,),) = later.execute(
        "SELECT count(*) FROM silver.gl_posting JOIN silver.accounting_posting AS s USING (_tenant_id, posting_key) "
        "WHERE s.is_deleted"
    )
    assert ghosts == 0


def test_stages_of_an_opportunity_follow_each_other_and_the_last_is_where_it_stands(later: Bronze) -> None:
    broken = """
        SELECT * FROM silver.opportunity_history AS h JOIN silver.opportunity_history AS n
        ON n._tenant_id = h._tenant_id AND n.opportunity_key = h.opportunity_key
        AND n.stage_number = h.stage_number + 1
        WHERE h.left_on IS NULL OR h.left_on <> n.entered_on OR h.left_on < h.entered_on
        OR n.stage_before <> h.stage_name"""
    assert later.execute(broken) == []
    ((standing, all_of_them),) = later.execute(
        "SELECT count(*) FILTER (h.stage_name = o.stage_name), count(*) FROM silver.opportunity AS o "
        "LEFT JOIN silver.opportunity_history AS h "
        "ON h._tenant_id = o._tenant_id AND h.opportunity_key = o.opportunity_key AND h.left_on IS NULL"
    )
    assert standing == all_of_them > 10


def test_the_use_of_every_license_is_judged(later: Bronze) -> None:
    found = {status for (status,) in later.execute("SELECT DISTINCT usage_status FROM gold.license_usage")}
    assert {"within_limit"} <= found <= {"unused", "within_limit", "near_limit", "over_limit", "unlicensed"}
    entitled = "SELECT DISTINCT _tenant_id, customer_key, product_key FROM gold.license_entitlement WHERE is_entitled"
    judged = "SELECT _tenant_id, customer_key, product_key FROM gold.license_usage"
    assert set(later.execute(entitled)) <= set(later.execute(judged))
