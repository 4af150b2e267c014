"""Every script of ``statements.yml`` leaves the rows that SQL Server's documentation says it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from babelfish_limits import is_babelfish

from orchestration.failures import ScriptRefused
from orchestration.scripts.program import compile_script
from orchestration.scripts.source import Header, Script

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("statements.yml").read_text())
Run = Callable[[str], list[str]]


def named(case: dict[str, Any]) -> str:
    return str(case["case"])


def test_each_case_has_a_name_of_its_own() -> None:
    names = [named(case) for case in CASES]
    assert len(set(names)) == len(names) >= 50


@pytest.mark.parametrize("case", [case for case in CASES if "rows" in case], ids=named)
def test_a_script_leaves_these_rows(case: dict[str, Any], run: Run) -> None:
    assert sorted(run(case["sql"])) == sorted(case["rows"]), case["why"]


@pytest.mark.parametrize("case", [case for case in CASES if "fails" in case], ids=named)
def test_a_script_fails_on_its_data(case: dict[str, Any], run: Run) -> None:
    with pytest.raises(ScriptRefused, match=r"^case\.sql:\d+:\d+: ") as error:
        run(case["sql"])
    assert case["fails"] in str(error.value)


@pytest.mark.parametrize("case", [case for case in CASES if "refused" in case], ids=named)
def test_a_script_is_refused_before_it_runs(case: dict[str, Any]) -> None:
    script = Script(Path("case.sql"), case["sql"], Header("Case", "tests", "x"))
    catalog = {("silver", "sale"): _columns()}
    problems = compile_script(script, catalog).problems
    assert any(case["refused"] in problem.what for problem in problems), problems
    assert all(problem.instead for problem in problems)


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case], ids=named)
def test_a_server_does_the_same(case: dict[str, Any], run_on_server: Run) -> None:
    absent = case.get("not_on", {})
    here = "babelfish" if is_babelfish() else "sqlserver"
    if reason := absent.get("server") or absent.get(here):
        pytest.skip(str(reason))
    if "fails" not in case:
        assert sorted(run_on_server(case["sql"])) == sorted(case["rows"]), case["why"]
        return
    with pytest.raises(Exception, match=r".") as error:
        run_on_server(case["sql"])
    assert type(error.value).__module__ == "pyodbc"


def _columns() -> dict[str, Any]:
    from orchestration.scripts import types

    return {
        "id": types.INT,
        "customer": types.varchar(50),
        "amount": types.decimal(18, 2),
        "sold_on": types.DATE,
    }
