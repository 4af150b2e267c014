"""``strata sql check`` and ``lineage`` as an analyst types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Strata = Callable[..., Any]
HEADER = "/* title: Margin\n   owner: finance\n   description: What is left. */\n"


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a script that is well and one that has an error and a warning."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scripts"
    folder.mkdir()
    well = "SELECT i.invoice_key, i.net_amount INTO finance.billed FROM silver.invoice AS i;"
    wrong = "SELECT b.net_amout,\n    7 / 2 AS x\nINTO finance.margin\nFROM finance.billed AS b;"
    surprising = "SELECT 7 / 2 AS x\nINTO finance.half FROM finance.billed AS b;"
    for name, body in {"billed": well, "margin": wrong, "half": surprising}.items():
        (folder / f"{name}.sql").write_text(HEADER + body, encoding="utf-8")
    return folder


def test_a_check_says_what_scripts_read_and_write_and_what_is_wrong(strata: Strata, scripts: Path) -> None:
    answer = strata("sql", "check", str(scripts))
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert lines[:3] == ["scripts/billed.sql", "  reads   silver.invoice", "  writes  finance.billed"]
    assert any(
        line.startswith("scripts/margin.sql:4:8: error: column b.net_amout: ") and "Did you mean net_amount" in line
        for line in lines
    )
    assert lines[-1] == "3 scripts, 1 error, 2 warnings."


def test_faults_come_after_all_that_is_well_and_errors_last(strata: Strata, scripts: Path) -> None:
    (scripts / "zebra.sql").write_text(HEADER + "SELECT b.x INTO finance.zebra FROM finance.half AS b;", "utf-8")
    lines = strata("sql", "check", str(scripts)).out.splitlines()
    kinds = [line.split(": ")[1] for line in lines[-4:-1]]
    assert kinds == ["warning", "warning", "error"]
    assert not any(": error: " in line or ": warning: " in line for line in lines[:-4])
    assert any("zebra.sql" in line for line in lines[:-4])


def test_a_script_that_cannot_be_read_is_counted_and_told_without_the_parser_s_words(
    strata: Strata, scripts: Path
) -> None:
    broken = scripts / "broken" / "broken.sql"
    broken.parent.mkdir()
    broken.write_text(HEADER + "SELECT FROM WHERE;", encoding="utf-8")
    answer = strata("sql", "check", str(broken.parent))
    assert answer.code == 1
    assert "broken.sql:4:13: error: near 'WHERE': " in answer.out
    assert "Token" not in answer.out
    assert answer.out.splitlines()[-1] == "1 script, 1 error, 0 warnings."


def test_warnings_fail_when_they_are_asked_to(strata: Strata, scripts: Path) -> None:
    half = str(scripts / "half.sql")
    assert strata("sql", "check", half).code == 0
    answer = strata("sql", "check", "--strict", "--quiet", half)
    assert answer.code == 1
    assert [line.rpartition(" ")[2] for line in answer.out.splitlines()[:-1]] == ["[integer-division]"]
    assert strata("sql", "check", "--strict", str(scripts / "billed.sql")).code == 0


def test_a_check_as_json_has_columns_types_and_problems(strata: Strata, scripts: Path) -> None:
    document = strata("sql", "check", "--json", str(scripts)).document
    billed, *_ = document["scripts"]
    assert billed["writes"] == {"finance.billed": {"invoice_key": "nvarchar(max)", "net_amount": "decimal(18,2)"}}
    problems = [problem for item in document["scripts"] for problem in item["problems"]]
    assert {(problem["severity"], problem["rule"]) for problem in problems} == {
        ("error", ""),
        ("warning", "integer-division"),
    }


def test_a_script_is_checked_by_its_name_and_by_the_file_of_its_checks(
    strata: Strata, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scripts / "billed.checks.sql").write_text("-- none\nSELECT b.nothing FROM finance.billed AS b;", encoding="utf-8")
    by_file = strata("sql", "check", str(scripts / "billed.checks.sql"))
    assert by_file.code == 1
    assert "billed.checks.sql:2:8: error: column b.nothing" in by_file.out
    assert by_file.out.splitlines()[-1] == "1 script, 1 error, 0 warnings."
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", str(scripts.parent))
    scripts.rename(scripts.with_name("financial"))
    for name in ("billed", "finance.billed", "billed.sql"):
        assert strata("sql", "check", name).out.startswith("financial/billed.sql\n")


def test_a_place_that_is_not_there_is_told(strata: Strata, scripts: Path) -> None:
    answer = strata("sql", "check", str(scripts / "none.sql"))
    assert answer.code != 0
    assert "none.sql is not there" in answer.err


def test_a_catalogue_that_is_missing_is_told(strata: Strata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", str(tmp_path))
    assert "catalog.yml is not there" in strata("sql", "check").out


def test_a_column_of_financial_gold_leads_to_bronze(strata: Strata) -> None:
    answer = strata("sql", "lineage", "mrr_monthly.opening")
    assert answer.code == 0
    assert answer.out.splitlines()[0] == "finance.mrr_monthly.opening"
    assert "bronze_product.subscription_change.mrr_after" in answer.out


def test_every_column_of_financial_gold_is_told_down_to_bronze(strata: Strata) -> None:
    for table in ("mrr_monthly", "revenue_schedule", "pl_actual_vs_budget"):
        document = strata("sql", "lineage", table, "--json").document
        assert document["unknown"] == []
        ends = {name.partition(".")[0] for name, sources in document["edges"].items() if not sources}
        assert ends <= {"bronze_product", "bronze_salesforce", "bronze_accounting", "finance", "silver"}
        assert any(end.startswith("bronze_") for end in ends)


def test_what_is_made_of_a_table_is_drawn(strata: Strata, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    assert strata("sql", "lineage", "silver.exchange_rate", "--downstream", "--svg", str(picture)).code == 0
    texts = [text.text for text in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own file
    assert {"silver.exchange_rate", "finance.mrr_monthly"} <= set(texts)


def test_a_table_that_there_is_not_is_told_with_those_that_are_near(strata: Strata) -> None:
    answer = strata("sql", "lineage", "finance.mrr_montly")
    assert answer.code != 0
    assert "finance.mrr_monthly" in answer.err


def test_the_projects_own_scripts_have_no_errors(strata: Strata) -> None:
    answer = strata("sql", "check", "--quiet")
    assert answer.code == 0, answer.out
