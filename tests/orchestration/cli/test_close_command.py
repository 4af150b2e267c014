"""``strata close``: a day is closed, closed again for a reason, listed and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_tables import make_table

from orchestration.runtime import open_runtime

Strata = Callable[..., Any]
HEADER = "/* title: Sold\n   owner: finance\n   description: A test. */\n"
SOLD = "SELECT s.id, s.amount INTO finance.sold FROM silver.sale AS s;"


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own with one script, and a sale of each tenant."""
    (tmp_path / "tenants.yaml").write_text("tenants: {acme: {title: A}, globex: {title: G}}", encoding="utf-8")
    folder = tmp_path / "scripts" / "financial"
    folder.mkdir(parents=True)
    (folder / "sold.sql").write_text(HEADER + SOLD, encoding="utf-8")
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", str(tmp_path / "scripts"))
    monkeypatch.setenv("STRATA_TENANTS_FILE", str(tmp_path / "tenants.yaml"))
    with open_runtime().warehouse.session("seed") as session:
        make_table(
            session,
            ("silver", "sale"),
            "SELECT t AS _tenant_id, 1 AS id, 2.50::DECIMAL(18, 2) AS amount "
            "FROM (VALUES ('acme'), ('globex')) tenants(t)",
        )
    return folder


def test_a_day_is_closed_listed_and_read(strata: Strata, scripts: Path) -> None:
    done = strata("close", "--as-of", "2026-11-20", "--json")
    assert done.code == 0
    assert [(item["tenant"], item["status"], item["tables"]) for item in done.document["closes"]] == [
        ("acme", "closed", {"finance.sold": 1}), ("globex", "closed", {"finance.sold": 1}),
    ]  # fmt: skip
    listed = strata("close", "list", "--tenant", "acme", "--json").document
    assert [(item["as_of"], item["current"]) for item in listed] == [("2026-11-20", True)]
    rows = strata("read", "finance.sold", "--tenant", "acme", "--as-of", "2026-11-20", "--json").document
    assert [(row["_tenant_id"], str(row["amount"])) for row in rows] == [("acme", "2.50")]


def test_a_closed_day_needs_a_reason(strata: Strata, scripts: Path) -> None:
    strata("close", "--as-of", "2026-11-20")
    again = strata("close", "--as-of", "2026-11-20", "--json")
    assert (again.code, again.document["error"]["class"]) == (3, "settings")
    assert "closed already" in again.document["error"]["message"]
    assert strata("close", "--as-of", "2026-11-20", "--tenant", "acme", "--reason", "late invoice").code == 0
    assert strata("close", "list", "--json").document[0]["reason"] == "late invoice"
    assert "late" in strata("close", "list").out


def test_a_day_that_history_lacks_is_told_until_it_is_closed(strata: Strata, scripts: Path) -> None:
    script = scripts / "sold.sql"
    script.write_text(HEADER + SOLD.replace("s.amount", "s.amount / 0 AS amount"), encoding="utf-8")
    failed = strata("close", "--as-of", "2026-11-18")
    assert failed.code == 1
    assert "was never closed" not in failed.out
    script.write_text(HEADER + SOLD, encoding="utf-8")
    told = strata("close", "--as-of", "2026-11-20").out.replace("\n", " ")
    assert "2026-11-18 was never closed for acme" in told
    assert "strata close --as-of 2026-11-18 --tenant globex." in told
    done = strata("close", "--as-of", "2026-11-18", "--tenant", "acme")
    assert done.code == 0
    assert "never closed" not in done.out
    listed = strata("close", "list").out.replace("\n", " ")
    assert "2026-11-18 was never closed for globex" in listed
    assert "never closed for acme" not in listed
    assert "never closed" not in strata("close", "list", "--tenant", "acme").out


def test_machines_are_told_of_forgotten_days_and_checks_without_a_script(strata: Strata, scripts: Path) -> None:
    script = scripts / "sold.sql"
    script.write_text(HEADER + SOLD.replace("s.amount", "s.amount / 0 AS amount"), encoding="utf-8")
    strata("close", "--as-of", "2026-11-18", "--tenant", "acme")
    script.write_text(HEADER + SOLD, encoding="utf-8")
    orphan = scripts / "gone.checks.sql"
    orphan.write_text("SELECT 1", encoding="utf-8")
    done = strata("close", "--as-of", "2026-11-20", "--json")
    assert done.code == 8
    assert done.document["left_behind"] == [{"tenant": "acme", "as_of": "2026-11-18"}]
    assert done.document["orphans"] == [str(orphan)]


def test_an_older_day_is_said_to_be_in_history_alone(strata: Strata, scripts: Path) -> None:
    strata("close", "--as-of", "2026-11-20")
    told = strata("close", "--as-of", "2026-11-19").out.replace("\n", " ")
    assert "readers see a later day" in told
    assert "strata read finance.sold --tenant acme --as-of 2026-11-19" in told
    assert strata("close", "--as-of", "2026-11-19", "--show-older").code == 2


def test_a_day_that_has_not_come_takes_a_reason_and_the_way_back_is_told(strata: Strata, scripts: Path) -> None:
    with open_runtime().warehouse.session("calendar") as session:
        make_table(session, ("silver", "business_date"), "SELECT 'acme' AS _tenant_id, DATE '2026-11-20' AS as_of")
    refused = strata("close", "--as-of", "2031-01-01")
    assert refused.code == 3
    assert "the newest business day is 2026-11-20" in refused.err.replace("\n", " ")
    assert strata("close", "list", "--json").document == []
    assert strata("close", "--as-of", "2031-01-01", "--reason", "a forecast").code == 0
    told = strata("close", "--tenant", "acme").out.replace("\n", " ")
    assert 'strata close --as-of 2026-11-20 --tenant acme --show-older --reason "…"' in told
    assert strata("close", "--tenant", "acme", "--show-older", "--reason", "a forecast was shown").code == 0
    shown = {(item["tenant"], item["as_of"]) for item in strata("close", "list", "--json").document if item["current"]}
    assert shown == {("acme", "2026-11-20"), ("globex", "2031-01-01")}


def test_the_exit_code_tells_a_check_from_a_script(strata: Strata, scripts: Path) -> None:
    checks = scripts / "sold.checks.sql"
    checks.write_text("-- nothing is sold\nSELECT s.id FROM finance.sold AS s;", encoding="utf-8")
    failed = strata("close", "--as-of", "2026-11-20")
    assert failed.code == 7
    assert "nothing is sold: 1 row" in failed.out.replace("\n", " ")
    (scripts / "sold.sql").write_text(HEADER + SOLD.replace("s.amount", "s.amont"), encoding="utf-8")
    assert strata("close", "--as-of", "2026-11-20").code == 1


def test_a_close_without_a_broken_script_is_told_from_one_that_failed(strata: Strata, scripts: Path) -> None:
    (scripts / "new.sql").write_text(HEADER + "SELECT s.idd INTO finance.new FROM silver.sale AS s;", encoding="utf-8")
    done = strata("close", "--as-of", "2026-11-20")
    assert done.code == 8
    assert "new.sql is left out" in done.out
    assert "The day is closed" in done.out
    (scripts / "sold.sql").write_text(HEADER + SOLD.replace("s.amount", "s.amont"), encoding="utf-8")
    assert strata("close", "--as-of", "2026-11-21").code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("close", "--as-of", "yesterday"), 2, "is no day"),
        (("close",), 1, "Load and build first"),
        (("close", "--tenant", "nobody", "--as-of", "2026-11-20"), 3, "Tenant 'nobody' is unknown"),
        (("read", "finance.sold", "--tenant", "acme", "--as-of", "2020-01-01"), 1, "There are: 2026-11-20"),
        (("read", "--tenant", "acme", "--as-of", "2020-01-01"), 2, "needs a table"),
    ],
)
def test_what_is_wrong_with_a_close_is_told_in_words(
    strata: Strata, scripts: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    strata("close", "--as-of", "2026-11-20")
    answer = strata(*arguments)
    assert answer.code == code
    assert words in answer.err.replace("\n", " ")


def test_without_scripts_there_is_nothing_to_close(strata: Strata, scripts: Path) -> None:
    (scripts / "sold.sql").unlink()
    answer = strata("close", "--as-of", "2026-11-20")
    assert answer.code == 3
    assert "no script" in answer.err
