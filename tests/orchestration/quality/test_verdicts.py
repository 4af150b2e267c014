"""The gates on a real warehouse with Great Expectations: verdicts, samples, alerts, and what closes a gate."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_tables import make_table

from orchestration.failures import ContractViolated, GateClosed
from orchestration.publication.pointer import Pointer, move_pointer, table_folder
from orchestration.quality.verdicts import Verdict, judge, require_open
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import PROJECT, load_settings
from orchestration.warehouse.apply import apply

INVOICES = ("silver", "invoice")
ACCOUNTS = ("gold", "account")
TABLES = {
    INVOICES: (
        "SELECT IF(id % 2 = 0, 'acme', 'globex') AS _tenant_id, id, 'ada@example.com' AS email, "
        "1.10::DECIMAL(18,2) AS net, 0.20::DECIMAL(18,2) AS tax, 1.30::DECIMAL(18,2) AS gross, "
        "'open' AS invoice_status FROM range(1000) AS numbers(id)"
    ),
    ("silver", "customer"): "SELECT 'acme' AS _tenant_id, 'x' AS email",
    ACCOUNTS: "SELECT 'acme' AS _tenant_id, id FROM range(100) AS numbers(id)",
}

SILVER = """
tables:
  silver.invoice:
    owner: finance
    rules:
      - {rule: adds_up, description: Sums differ., sql: "select * from silver.invoice where gross <> net + tax"}
      - rule: not_negative
        description: Less than nothing.
        expectation: ExpectColumnMinToBeBetween
        arguments: {column: net, min_value: 0}
      - {rule: few, description: Late., severity: warns, sql: "select _tenant_id from silver.invoice where net > 1000"}
  silver.customer:
    owner: sales
    rules:
      - {rule: braces, description: d, sql: "select * from silver.customer where email = '{batch} 10:30 %s';"}
"""
GOLD = """
tables:
  gold.account:
    owner: success
    rules:
      - {rule: keeps_rows, description: Rows are gone., keeps: 0.5}
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A warehouse with two small silver tables and rules of its own."""
    expectations = tmp_path / "dbt" / "expectations"
    expectations.mkdir(parents=True)
    shutil.copytree(PROJECT / "dbt_project" / "models", tmp_path / "dbt" / "models")
    (expectations / "silver.yaml").write_text(SILVER)
    (expectations / "gold.yaml").write_text(GOLD)
    opened = open_runtime(load_settings(home=tmp_path / "home", dbt_dir=tmp_path / "dbt"))
    with opened.warehouse.session("prepare") as session:
        apply(session)
        for table, query in TABLES.items():
            make_table(session, table, query)
    return opened


def run(runtime: Runtime, sql: str) -> list[tuple[object, ...]]:
    with runtime.warehouse.session("test") as session:
        return session.execute(sql)


def failed(verdicts: list[Verdict]) -> dict[str, Verdict]:
    return {verdict.rule: verdict for verdict in verdicts if not verdict.passed}


def test_a_gate_whose_rules_hold_is_open(runtime: Runtime) -> None:
    verdicts = judge(runtime, "silver", "b1")
    assert [(verdict.rule, verdict.passed) for verdict in verdicts] == [
        ("braces", True),
        ("adds_up", True),
        ("not_negative", True),
        ("few", True),
    ]
    require_open(runtime, "silver", "b1")


def test_a_gate_that_was_not_judged_is_closed(runtime: Runtime) -> None:
    judge(runtime, "silver", "b1")
    with pytest.raises(GateClosed, match="not judged"):
        require_open(runtime, "silver", "b2")
    with pytest.raises(GateClosed, match="not judged"):
        require_open(runtime, "gold", "b1")


def test_a_broken_rule_closes_the_gate_and_says_rule_rows_sample_and_owner(runtime: Runtime) -> None:
    run(runtime, "UPDATE silver.invoice SET gross = 9.99 WHERE id IN (2, 4, 6)")
    verdict = failed(judge(runtime, "silver", "b1"))["adds_up"]
    assert (verdict.failed_rows, verdict.owner, verdict.tenant_id) == (3, "finance", "acme")
    sample = json.loads(verdict.sample)
    assert sample[0]["gross"] == "9.99"
    assert sample[0]["invoice_status"] == "open"
    assert sample[0]["email"] == "***"
    with pytest.raises(GateClosed, match=r"silver\.invoice: adds_up: 3 rows.*owner finance") as error:
        require_open(runtime, "silver", "b1")
    assert "ada@example.com" not in str(error.value)


def test_an_expectation_of_great_expectations_counts_as_any_other_rule(runtime: Runtime) -> None:
    run(runtime, "UPDATE silver.invoice SET net = -5, gross = -4.8 WHERE id = 1")
    verdict = failed(judge(runtime, "silver", "b1"))["not_negative"]
    assert verdict.blocks
    assert float(json.loads(verdict.sample)[0]["observed_value"]) == -5


def test_a_warning_is_told_and_stops_nothing(runtime: Runtime) -> None:
    run(runtime, "UPDATE silver.invoice SET net = 2000, gross = 2000.20 WHERE id < 2")
    verdict = failed(judge(runtime, "silver", "b1"))["few"]
    assert (verdict.failed_rows, verdict.tenant_id, verdict.blocks) == (2, None, False)
    require_open(runtime, "silver", "b1")
    assert run(runtime, "SELECT subject, owner FROM strata.alert") == [("silver gate: silver.invoice: few", "finance")]


def test_judging_again_replaces_the_verdicts_and_recovery_closes_the_alert(runtime: Runtime) -> None:
    run(runtime, "UPDATE silver.invoice SET gross = 9.99 WHERE id = 2")
    judge(runtime, "silver", "b1")
    run(runtime, "UPDATE silver.invoice SET gross = 1.30 WHERE id = 2")
    judge(runtime, "silver", "b1", [INVOICES])
    require_open(runtime, "silver", "b1")
    assert run(runtime, "SELECT count(*) FROM strata.verdict WHERE rule <> 'judged'") == [(4,)]
    assert run(runtime, "SELECT state FROM strata.alert") == [("recovered",)]


def test_a_rule_that_cannot_be_judged_closes_the_gate_and_leaves_the_others_their_verdicts(runtime: Runtime) -> None:
    run(runtime, "ALTER TABLE silver.invoice DROP COLUMN tax")
    verdicts = judge(runtime, "silver", "b1")
    assert "cannot be judged" in failed(verdicts)["adds_up"].sample
    assert [verdict.rule for verdict in verdicts if verdict.passed] == ["braces", "not_negative", "few"]
    with pytest.raises(GateClosed, match="adds_up"):
        require_open(runtime, "silver", "b1")


def test_rows_that_collapse_against_the_published_version_close_the_gate(runtime: Runtime) -> None:
    settings = runtime.settings
    assert judge(runtime, "gold", "b1") == []
    require_open(runtime, "gold", "b1")
    path = table_folder(settings, ACCOUNTS) / "v000001.parquet"
    path.parent.mkdir(parents=True)
    run(runtime, f"COPY gold.account TO '{path}'")
    pointer = Pointer(
        version=1,
        path=str(path.relative_to(settings.published_dir)),
        rows=100,
        published_at=datetime.now(UTC),
        build_id="b1",
    )
    move_pointer(settings, ACCOUNTS, pointer)
    assert not failed(judge(runtime, "gold", "b2"))
    run(runtime, "DELETE FROM gold.account WHERE id >= 40")
    verdict = failed(judge(runtime, "gold", "b3"))["keeps_rows"]
    assert json.loads(verdict.sample) == [{"_tenant_id": "acme", "published_rows": 100, "present_rows": 40}]
    with pytest.raises(GateClosed, match="last published version"):
        require_open(runtime, "gold", "b3")


def test_an_unknown_expectation_is_an_error_of_the_rule(runtime: Runtime) -> None:
    path = runtime.settings.dbt_dir / "expectations" / "silver.yaml"
    path.write_text(
        "tables: {silver.invoice: {owner: o, rules: [{rule: a, description: d, expectation: ExpectWonders}]}}"
    )
    with pytest.raises(ContractViolated, match=r"silver\.invoice: a: ExpectWonders"):
        judge(runtime, "silver", "b1")


def test_without_rules_great_expectations_is_not_imported() -> None:
    code = (
        "import sys; from orchestration.quality import verdicts; from orchestration import alerts, scripts; "
        "assert not [name for name in sys.modules if name.startswith('great_expectations')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
