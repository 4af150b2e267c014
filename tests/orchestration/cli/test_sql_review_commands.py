"""``strata sql run``, ``diff`` and ``explain``: what they print, as words and as JSON, and their exit codes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_tables import make_table

from orchestration.runtime import open_runtime

Strata = Callable[..., Any]
TEXT = """-- title: Sales
-- owner: finance
-- description: A test.
DECLARE @as_of date;
SELECT s.id, CAST(s.amount * 1.5 AS decimal(18, 2)) AS amount INTO finance.sold FROM silver.sale AS s;
"""
PLACE = ("--tenant", "acme", "--as-of", "2026-11-20")


@pytest.fixture(scope="module", autouse=True)
def sales(home: Path) -> None:
    """Two tenants' sales in silver."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_HOME", str(home))
        runtime = open_runtime()
    with runtime.warehouse.session("prepare") as session:
        make_table(
            session,
            ("silver", "sale"),
            "SELECT t AS _tenant_id, n AS id, CAST(n * 10 AS DECIMAL(18, 2)) AS amount "
            "FROM (VALUES ('acme'), ('globex')) AS x(t), (VALUES (1::INTEGER), (2)) AS y(n)",
        )


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in a repository of its own."""
    path = tmp_path / "scripts" / "financial" / "sold.sql"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", str(tmp_path / "scripts"))
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    for arguments in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "A script")):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return path


def test_a_run_shows_types_totals_rows_and_checks(strata: Strata, script: Path) -> None:
    script.with_name("sold.checks.sql").write_text("-- All is paid\nSELECT s.id FROM finance.sold AS s WHERE s.id = 2;")
    answer = strata("sql", "run", "sold", *PLACE)
    assert answer.code == 1
    assert "finance.sold: 2 rows" in answer.out
    assert "decimal(18,2)  45.00  15.00  30.00" in answer.out
    assert "check fails: sold.sql: All is paid: 1 row" in answer.out
    document = strata("sql", "run", "sold", *PLACE, "--json").document
    assert document["tables"][0]["totals"] == {"amount": "45.00"}
    assert document["scripts"][0]["checks"][0]["passed"] is False


def test_a_day_and_a_tenant_are_read_or_refused(strata: Strata, script: Path) -> None:
    assert strata("sql", "run", "sold", "--tenant", "acme", "--as-of", "yesterday").code == 2
    assert strata("sql", "run", "sold", "--as-of", "2026-11-20").code == 3


def test_a_diff_ends_with_1_where_tables_differ_and_0_where_not(strata: Strata, script: Path) -> None:
    assert (strata("sql", "diff", "HEAD..", *PLACE).code, strata("sql", "diff", *PLACE).code) == (0, 0)
    script.write_text(TEXT.replace("1.5", "2"), encoding="utf-8")
    answer = strata("sql", "diff", "HEAD..", "sold", *PLACE)
    assert answer.code == 1
    assert "Only in A: 0. Only in B: 0. Changed: 2." in answer.out
    assert "amount    45.00  60.00  +15.00" in answer.out
    changed = strata("sql", "diff", "HEAD..", *PLACE, "--json").document["tables"][0]["changed"]
    assert changed["sample"][0] == {"key": {"id": 1}, "values": {"amount": {"a": "15.00", "b": "20.00"}}}


def test_an_explanation_has_both_texts_and_a_plain_one_only_duckdbs(strata: Strata, script: Path) -> None:
    answer = strata("sql", "explain", "sold")
    assert (answer.code, "INTO finance.sold" in answer.out.replace("\n", " ")) == (0, True)
    plain = strata("sql", "explain", "sold", "--plain").out
    assert 'CREATE TABLE "finance_work"."sold"' in plain
    assert "INTO finance.sold" not in plain
    assert strata("sql", "explain", "sold", "--json").document["writes"] == ["finance.sold"]
