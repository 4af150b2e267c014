"""Expressions and queries give what SQL Server's documentation says, on the embedded engine and on a server."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
import yaml
from babelfish_limits import is_babelfish

from orchestration.failures import ScriptRefused
from orchestration.scripts import types
from orchestration.scripts.program import compile_script
from orchestration.scripts.source import Header, Script

Case = dict[str, Any]
Run = Callable[[str], list[str]]
_FILES = sorted(Path(__file__).with_name("expressions").glob("*.yml"))
CASES: list[Case] = [case for file in _FILES for case in yaml.safe_load(file.read_text())]
_SALE = {"id": types.INT, "customer": types.varchar(50), "amount": types.decimal(18, 2), "sold_on": types.DATE}


def named(case: Case) -> str:
    return str(case["case"])


def text_of(case: Case) -> str:
    """Return a case's script: its own, or a SELECT of its expressions."""
    if "sql" in case:
        return str(case["sql"])
    items = ", ".join(f"{expression} AS c{place}" for place, expression in enumerate(case["select"]))
    source = f" FROM {case['from']}" if "from" in case else ""
    return f"SELECT {items} INTO finance.result{source}"


def test_each_case_has_a_name_of_its_own() -> None:
    names = [named(case) for case in CASES]
    assert len(set(names)) == len(names) >= 110


@pytest.mark.parametrize("case", [case for case in CASES if "rows" in case], ids=named)
def test_expressions_give_these_rows(case: Case, run: Run) -> None:
    assert sorted(run(text_of(case))) == sorted(case["rows"]), case["why"]


@pytest.mark.parametrize("case", [case for case in CASES if "types" in case], ids=named)
def test_expressions_have_these_types(case: Case) -> None:
    program = compile_script(_script(case), {("silver", "sale"): _SALE})
    columns = program.writes["finance", "result"]
    assert [kind.tsql for kind in columns.values()] == case["types"]


@pytest.mark.parametrize("case", [case for case in CASES if "fails" in case], ids=named)
def test_a_script_stops_at_such_data(case: Case, run: Run) -> None:
    with pytest.raises(ScriptRefused, match=r"^case\.sql:\d+:\d+: ") as error:
        run(text_of(case))
    assert case["fails"] in str(error.value)


@pytest.mark.parametrize("case", [case for case in CASES if "refused" in case], ids=named)
def test_such_a_script_is_refused_with_what_to_write(case: Case) -> None:
    problems = compile_script(_script(case), {("silver", "sale"): _SALE}).problems
    assert any(case["refused"] in problem.what for problem in problems), problems
    assert all(problem.instead for problem in problems)


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case], ids=named)
def test_a_server_gives_the_same(case: Case, run_on_server: Run) -> None:
    absent = case.get("not_on", {})
    here = "babelfish" if is_babelfish() else "sqlserver"
    if reason := absent.get("server") or absent.get(here):
        pytest.skip(str(reason))
    if "fails" not in case:
        read = _by_value if here == "babelfish" else str
        assert sorted(map(read, run_on_server(text_of(case)))) == sorted(map(read, case["rows"])), case["why"]
        return
    with pytest.raises(Exception, match=r".") as error:
        run_on_server(text_of(case))
    assert type(error.value).__module__ == "pyodbc"


def _by_value(row: str) -> str:
    """Write numbers without their scale: Babelfish gives every computed decimal of SELECT INTO eight places."""
    return "|".join(_number(value) for value in row.split("|"))


def _number(value: str) -> str:
    try:
        return str(Decimal(value).quantize(Decimal("1E-8"), ROUND_DOWN).normalize())
    except InvalidOperation:
        return value


def _script(case: Case) -> Script:
    return Script(Path("case.sql"), text_of(case), Header("Case", "tests", "x"))
