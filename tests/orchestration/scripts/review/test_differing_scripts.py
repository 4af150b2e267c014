"""What a change of scripts does to their tables is shown before it is merged."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from close_house import DAY, TWICE, CloseHouse

from orchestration.failures import SettingsError
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.differing import Difference, Question, differ
from orchestration.scripts.review.revisions import read_range

Commit = Callable[[str], None]
LINES = (
    "SELECT s.id, s.customer, CAST(s.amount * {factor} AS decimal(18, 2)) AS amount INTO finance.line "
    "FROM silver.sale AS s{where};"
)


def difference(house: CloseHouse, revisions: str = "HEAD..", script: str = "", limit: int = 5) -> Difference:
    return differ(house.runtime, Question(read_range(revisions), Turn("acme", DAY), script, limit))


def lines(factor: int = 1, where: str = "") -> str:
    return LINES.format(factor=factor, where=where)


def test_scripts_as_they_were_differ_in_nothing(house: CloseHouse) -> None:
    found = difference(house)
    assert not found.is_changed
    assert not found.tables


def test_a_change_of_layout_changes_no_table(house: CloseHouse) -> None:
    house.write("a_twice", TWICE.replace(" FROM", "\n  FROM"))
    found = difference(house)
    assert found.files.changed == ["a_twice.sql"]
    assert [(table.table[1], table.is_changed) for table in found.tables] == [("doubled", False)]


def test_changed_rows_are_shown_by_key_with_both_values_and_the_totals(house: CloseHouse, commit: Commit) -> None:
    house.sell("acme", "4.00")
    house.write("line", lines())
    commit("Lines")
    house.write("line", lines(factor=2, where=" WHERE s.id > 1 UNION ALL SELECT 9, 'Zoe', 1"))
    (table,) = difference(house).tables
    assert list(table.key) == ["id"]
    assert (table.only_a, table.only_b, table.changed) == (1, 1, 1)
    assert [row["id"] for row in (*table.sample_a, *table.sample_b)] == [1, 9]
    (row,) = table.sample_changed
    assert (row.key, row.values) == ({"id": 2}, {"amount": (Decimal("4.00"), Decimal("8.00"))})
    assert table.totals["amount"] == (Decimal("6.50"), Decimal("9.00"))


def test_what_reads_a_changed_table_is_compared_too(house: CloseHouse) -> None:
    house.write("b_total", "SELECT CAST(3 AS decimal(18, 2)) AS total, 1 AS sales INTO finance.total;")
    tables = {table.table[1]: table for table in difference(house).tables}
    assert tables["doubled"].totals == {"twice": (Decimal("5.00"), Decimal("6.00"))}
    assert set(tables) == {"total", "doubled"}


def test_one_script_is_compared_alone_with_its_upstream_of_the_same_revision(house: CloseHouse) -> None:
    house.write("b_total", "SELECT CAST(3 AS decimal(18, 2)) AS total, 1 AS sales INTO finance.total;")
    found = difference(house, script="a_twice")
    assert [table.table[1] for table in found.tables] == ["doubled"]
    assert found.is_changed


def test_columns_that_came_went_and_changed_their_type_are_named(house: CloseHouse, commit: Commit) -> None:
    house.write("line", lines())
    commit("Lines")
    house.write("line", "SELECT s.id, s.amount * 1.000 AS Amount, 1 AS one INTO finance.line FROM silver.sale AS s;")
    (table,) = difference(house).tables
    assert table.columns_removed == {"customer": "nvarchar(max)"}
    assert table.columns_added == {"one": "int"}
    assert table.columns_retyped == {"Amount": ("decimal(18,2)", "decimal(23,5)")}
    assert (table.only_a, table.only_b, table.changed) == (0, 0, 0)


def test_rows_without_a_key_are_counted_as_wholes(house: CloseHouse, commit: Commit) -> None:
    house.sell("acme", "2.50")
    house.write("line", "SELECT s.amount INTO finance.line FROM silver.sale AS s;")
    commit("Lines")
    house.write("line", "SELECT s.amount INTO finance.line FROM silver.sale AS s WHERE s.id = 1;")
    (table,) = difference(house).tables
    assert (list(table.key), table.only_a, table.only_b) == ([], 1, 0)


def test_a_renamed_script_is_told_and_its_table_compared(house: CloseHouse) -> None:
    house.remove("b_total")
    house.write("c_total", "SELECT CAST(1 AS decimal(18, 2)) AS total, 1 AS sales INTO finance.total;")
    found = difference(house)
    assert found.files.renamed == {"b_total.sql": "c_total.sql"}
    total = found.tables[0]
    assert (total.table[1], total.rows_a, total.rows_b, total.is_changed) == ("total", 1, 1, True)


def test_added_and_removed_scripts_have_their_tables_on_one_side(house: CloseHouse) -> None:
    house.remove("a_twice")
    house.write("line", lines())
    found = difference(house)
    assert (found.files.added, found.files.removed) == (["line.sql"], ["a_twice.sql"])
    assert {t.table[1]: (t.rows_a, t.rows_b) for t in found.tables} == {"doubled": (1, None), "line": (None, 1)}


def test_two_commits_are_compared_without_the_working_tree(house: CloseHouse, commit: Commit) -> None:
    house.write("line", lines())
    commit("Lines")
    house.write("line", "this is no script")
    found = difference(house, "HEAD~1..HEAD")
    assert found.files.added == ["line.sql"]
    assert found.faults == ([], [])


def test_a_script_that_fails_as_of_one_revision_is_told_with_it(house: CloseHouse, commit: Commit) -> None:
    house.write("b_total", "SELECT s.amout AS total INTO finance.total FROM silver.sale AS s;")
    commit("A mistake")
    found = difference(house, "HEAD~1..HEAD", "b_total")
    assert found.is_changed
    assert found.faults[1][0].startswith("HEAD:scripts/financial/b_total.sql:5:8: column s.amout")


@pytest.mark.parametrize("text", ["HEAD", "HEAD...main", "--output=x..y"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"A\.\.B"):
        read_range(text)


def test_an_unknown_revision_is_refused(house: CloseHouse) -> None:
    with pytest.raises(SettingsError, match="no revision 'nope'"):
        difference(house, "nope..")


def test_nothing_of_a_comparison_stays(house: CloseHouse) -> None:
    house.write("line", lines())
    seen = "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE schema_name LIKE 'finance%'"
    difference(house)
    assert house.sql(seen) == []
