"""Scripts are checked against the catalogue and each other: what one says wrongly is told at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts import cache as cache_module
from orchestration.scripts.check import Cache, Report, check
from orchestration.scripts.problems import Problem
from orchestration.scripts.types import DATE, INT, NVARCHAR_MAX, Catalog, decimal

Write = Callable[..., Path]
CATALOG: Catalog = {
    ("silver", "sale"): {"id": INT, "customer": NVARCHAR_MAX, "sold_on": DATE, "amount": decimal(18, 2)},
    ("bronze_product", "rate"): {"code": NVARCHAR_MAX, "rate": decimal(18, 8)},
}


def found(path: Path, cache: Cache | None = None) -> Report:
    return check(path.parent, CATALOG, cache)


def errors(path: Path) -> list[Problem]:
    return [problem for problem in found(path).problems if problem.severity == "error"]


def test_a_report_says_what_each_script_reads_and_writes_and_its_columns(write_script: Write) -> None:
    write_script("SELECT b.id, b.total INTO finance.a FROM finance.b AS b;", "a")
    path = write_script("SELECT s.id, SUM(s.amount) AS total INTO finance.b FROM silver.sale AS s GROUP BY s.id;", "b")
    report = found(path)
    assert report.problems == []
    assert [(item.script.name, item.reads, item.writes) for item in report.scripts] == [
        ("b", (("silver", "sale"),), (("finance", "b"),)),
        ("a", (("finance", "b"),), (("finance", "a"),)),
    ]
    assert report.columns["finance", "a"] == {"id": INT, "total": decimal(38, 2)}


@pytest.mark.parametrize(
    ("body", "place", "what", "instead"),
    [
        ("SELECT s.id\nINTO finance.x\nFROM silver.sales AS s;", (6, 6), "silver.sales", "silver.sale"),
        ("SELECT s.amont\nINTO finance.x\nFROM silver.sale AS s;", (4, 8), "column s.amont", "amount"),
        ("SELECT r.id\nINTO finance.x\nFROM finance.others AS r;", (6, 6), "finance.others", "finance.other"),
        ("SELECT s.id INTO silver.x FROM silver.sale AS s;", (4, 18), "silver.x", "finance.x"),
        ("SELECT c.id INTO finance.x FROM erp.dbo.sale AS c;", (4, 33), "erp.dbo.sale", "bronze"),
        ("DECLARE @as_of datetime;\nSELECT 1 AS a INTO finance.x;", (4, 1), "@as_of", "DECLARE @as_of date"),
        ("WHILE 1 = 1 SELECT 1 AS a INTO finance.x;", (4, 1), "WHILE", "set"),
        ("SELECT s.id INTO finance.x FROM silver.sale AS s WHERE (;", (4, 0), "near", "semicolon"),
        ("SELECT s.id INTO finance.[m40 t] FROM silver.sale AS s;", (4, 18), "finance.m40 t", "underscores"),
        ("GO\nCREATE VIEW finance.umsätze AS SELECT s.id FROM silver.sale AS s;", (5, 13), "umsätze", "underscores"),
    ],
)
def test_an_error_names_its_place_and_what_to_write_instead(
    write_script: Write, body: str, place: tuple[int, int], what: str, instead: str
) -> None:
    write_script("SELECT s.id INTO finance.other FROM silver.sale AS s;", "other")
    problems = errors(write_script(body))
    problem = problems[0]
    assert problem.line == place[0]
    assert place[1] in (0, problem.column)
    assert what in problem.what
    assert any(instead in item.instead for item in problems)


def test_scripts_in_a_circle_are_errors_where_they_read_each_other_and_harm_no_other(write_script: Write) -> None:
    write_script("SELECT b.id INTO finance.a\nFROM finance.b AS b;", "a")
    write_script("SELECT c.id INTO finance.b\nFROM finance.c AS c;", "b")
    write_script("SELECT a.id INTO finance.c\nFROM finance.a AS a;", "c")
    path = write_script("SELECT s.id INTO finance.well FROM silver.sale AS s;", "well")
    report = found(path)
    assert [(p.file.stem, p.line, p.column, p.what) for p in report.problems] == [
        ("a", 5, 6, "finance.b in a circle"),
        ("b", 5, 6, "finance.c in a circle"),
        ("c", 5, 6, "finance.a in a circle"),
    ]
    assert all("finance.b → finance.c → finance.a" in f"{p.why} {p.why}".replace(": ", " → ") for p in report.problems)
    assert report.columns["finance", "well"] == {"id": INT}


def test_two_scripts_for_one_table_are_both_told(write_script: Write) -> None:
    write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "a")
    path = write_script("\nSELECT s.id INTO finance.X FROM silver.sale AS s;", "b")
    assert [(p.file.stem, p.line, p.what) for p in errors(path)] == [
        ("a", 4, "a second script for finance.x"),
        ("b", 5, "a second script for finance.x"),
    ]


def test_a_second_script_is_named_as_one_writes_it_here(
    write_script: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "a")
    path = write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "b")
    assert [p.why.split()[0] for p in errors(path)] == ["financial/b.sql", "financial/a.sql"]


def test_a_table_of_another_database_is_reported_by_all_parts_of_its_name(write_script: Write) -> None:
    report = found(
        write_script("SELECT c.id INTO finance.x FROM erp.dbo.sale AS c JOIN silver.sale AS s ON s.id = c.id;")
    )
    assert report.scripts[0].document["reads"] == ["erp.dbo.sale", "silver.sale"]


def test_what_reads_a_script_with_errors_is_parsed_and_not_blamed(write_script: Write) -> None:
    write_script("SELECT s.nothing AS n INTO finance.b FROM silver.sale AS s;", "b")
    path = write_script("SELECT b.id INTO finance.a FROM finance.b AS b;", "a")
    report = found(path)
    assert [problem.file.stem for problem in report.problems] == ["b"]
    (reader,) = [item for item in report.scripts if item.script.name == "a"]
    assert reader.waits_for == ("finance", "b")


def test_checks_beside_a_script_are_checked_at_their_own_places(write_script: Write) -> None:
    path = write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "x")
    checks = "-- No id twice\nSELECT x.id\nFROM finance.x AS x GROUP BY x.id HAVING COUNT(*) > 1;\n\n"
    unknown = "-- None\nSELECT x.nothing\nFROM finance.x AS x;\n"
    on_one_line = "-- Not here\nSELECT x.id FROM finance.x AS x WHERE x.gone = 1;"
    write_script(checks + unknown + on_one_line, "x.checks", header="")
    write_script("SELECT 1 AS a FROM silver.sale AS s;", "y.checks", header="")
    assert [(p.file.name, p.line, p.column, p.what) for p in errors(path)] == [
        ("x.checks.sql", 6, 8, "column x.nothing"),
        ("x.checks.sql", 9, 39, "column x.gone"),
        ("y.checks.sql", 1, 1, "checks of no script"),
    ]


def test_many_scripts_are_checked_by_processes_with_the_same_result(write_script: Write) -> None:
    for number in range(30):
        source = f"finance.t{number - 1}" if number % 5 else "silver.sale"
        write_script(f"SELECT s.id, s.id / 2 AS half INTO finance.t{number} FROM {source} AS s;", f"t{number}")
    path = write_script("SELECT s.gone INTO finance.x FROM finance.t7 AS s;", "x")
    alone, together = check(path.parent, CATALOG), check(path.parent, CATALOG, processes=2)
    assert len(alone.problems) == 31
    assert alone.problems == together.problems
    assert alone.columns == together.columns


def test_the_cache_gives_what_was_found_and_sees_every_change(
    write_script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "home" / "cache.sqlite")
    write_script("SELECT s.id, s.id / 2 AS half INTO finance.b FROM silver.sale AS s;", "b")
    path = write_script("SELECT b.id INTO finance.a FROM finance.b AS b;", "a")
    first = found(path, cache)
    monkeypatch.setattr("orchestration.scripts.check.team.outline", None)  # nothing is parsed again
    assert found(path, cache) == first
    monkeypatch.undo()
    write_script("SELECT s.id AS other INTO finance.b FROM silver.sale AS s;", "b")
    assert [problem.what for problem in found(path, cache).problems] == ["column b.id"]
    write_script("SELECT s.id, s.id / 2 AS half INTO finance.b FROM silver.sale AS s;", "b")
    assert [p.what for p in check(path.parent, {}, cache).problems] == ["silver.sale"]


def test_a_cache_that_is_none_is_passed_over(write_script: Write, tmp_path: Path) -> None:
    broken = tmp_path / "cache.sqlite"
    broken.write_text("this is no database", encoding="utf-8")
    path = write_script("SELECT s.id INTO finance.b FROM silver.sale AS s;", "b")
    assert found(path, Cache(broken)).problems == []
    assert cache_module.digest("a") != cache_module.digest("b")


def test_a_file_of_checks_that_has_none_is_told(write_script: Write) -> None:
    path = write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "x")
    write_script("-- Checks come later\n", "x.checks", header="")
    assert [(p.file.name, p.what) for p in errors(path)] == [("x.checks.sql", "no check")]
