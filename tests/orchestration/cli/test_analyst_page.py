"""What docs/analyst/write-a-script.md shows is what ``strata sql check`` prints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT

Strata = Callable[..., Any]
PAGE = (PROJECT / "docs" / "analyst" / "write-a-script.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
FAULTS = re.findall(r"```sql\n([^`]*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
HEADER = SCRIPTS[0].partition("SELECT")[0]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's script among all others, where the page says that it lies."""
    shutil.copytree(PROJECT / "sql_scripts", tmp_path / "sql_scripts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", "sql_scripts")
    return Path("sql_scripts/financial/customer_billing.sql")


def test_the_pages_script_and_its_checks_are_well(strata: Strata, script: Path) -> None:
    script.write_text(SCRIPTS[0], encoding="utf-8")
    script.with_name("customer_billing.checks.sql").write_text(SCRIPTS[1], encoding="utf-8")
    answer = strata("sql", "check", str(script))
    assert answer.out in PAGE
    assert (answer.code, "1 script, 0 errors, 0 warnings." in answer.out) == (0, True)


@pytest.mark.parametrize(("statement", "printed"), FAULTS, ids=[found.split(": ")[2][:30] for _, found in FAULTS])
def test_every_fault_is_printed_as_the_page_has_it(strata: Strata, script: Path, statement: str, printed: str) -> None:
    script.write_text(HEADER + statement, encoding="utf-8")
    answer = strata("sql", "check", "--quiet", str(script))
    assert answer.out.partition("\n")[0] == printed.strip()
    assert answer.code == (1 if ": error: " in printed else 0)


def test_the_page_shows_errors_and_warnings() -> None:
    assert len(FAULTS) >= 9
