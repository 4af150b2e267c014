"""A script is shown beside what DuckDB runs of it."""

from __future__ import annotations

from close_house import CloseHouse

from orchestration.scripts.review.explanation import explain_script, readable

BODY = (
    "SET NOCOUNT ON;\nSELECT s.customer, COUNT(*) AS n INTO #x FROM silver.sale AS s\nGROUP BY s.customer;\n"
    "UPDATE x SET n = x.n + s.id FROM #x AS x JOIN silver.sale AS s ON s.id = x.n;\n"
    "SELECT x.customer, x.n INTO finance.counted FROM #x AS x;\n"
)


def test_every_statement_is_explained_in_order_with_its_line(house: CloseHouse) -> None:
    house.write("counted", BODY)
    found = explain_script(house.runtime, "counted")
    assert [part.line for part in found.parts] == [4, 5, 6, 8, 9]
    assert found.parts[2].original == BODY.split(";\n")[1]
    assert 'CREATE TABLE "finance_work"."counted"' in found.parts[4].translated[-1].sql
    assert (found.reads, list(found.writes)) == ((("silver", "sale"),), [("finance", "counted")])


def test_notes_say_what_is_set_ignored_verified_and_refused_on_the_data(house: CloseHouse) -> None:
    house.write("counted", BODY)
    declared, ignored, grouped, updated, _ = (part.notes for part in explain_script(house.runtime, "counted").parts)
    assert declared == ["the platform sets @as_of, whatever its default"]
    assert ignored == ["changes no result; DuckDB does not get it"]
    assert "silver.sale.customer values have no blank at their end" in grouped[0]
    assert updated == ["fails when: which of several values counts would be left to chance"]


def test_a_script_that_cannot_be_translated_says_why(house: CloseHouse) -> None:
    house.write("counted", "EXEC something;")
    found = explain_script(house.runtime, "counted")
    assert not found.is_well
    assert "EXEC" in str(found.problems)


def test_a_script_of_another_scripts_table_is_explained_without_running_it(house: CloseHouse) -> None:
    found = explain_script(house.runtime, "a_twice")
    assert found.reads == (("finance", "total"),)
    assert house.sql("SELECT count(*) FROM duckdb_tables() WHERE schema_name LIKE 'finance%'") == [(0,)]


def test_lines_are_broken_only_where_the_statement_stays_the_same() -> None:
    assert readable('SELECT "a" FROM "t"') == 'SELECT\n  "a"\nFROM "t"'
    assert readable("no statement at all (") == "no statement at all ("
