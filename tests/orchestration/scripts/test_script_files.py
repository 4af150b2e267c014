"""Scripts come from many editors; what they say does not depend on which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.scripts import read_script
from orchestration.scripts.lineage import lineage, lineages
from orchestration.scripts.outline import outline
from orchestration.scripts.source import decode

Write = Callable[..., Path]

TEXT = """-- title: Übersicht
-- owner: finance
-- description: First line
--   and second.
SET NOCOUNT ON
GO
DECLARE @as_of date;
SELECT s.id INTO finance.Result FROM silver.sale AS s WHERE s.customer = N'Zoë' AND s.sold_on <= @as_of
go 1
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_script_reads_the_same_in_every_encoding(write_script: Write, encoding: str, newline: str) -> None:
    script = read_script(write_script(TEXT.replace("\n", newline).encode(encoding)))
    assert script.header.title == "Übersicht"
    assert script.header.description == "First line and second."
    assert "N'Zoë'" in script.text
    checked = outline(script)
    assert checked.problems == ()
    assert checked.writes == (("finance", "result"),)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")))
def test_utf8_text_is_never_read_as_something_else(text: str) -> None:
    assert decode(text.encode()) == text


def test_lineage_leaves_out_ctes_and_the_target(write_script: Write) -> None:
    body = """WITH sale AS (SELECT s.id FROM silver.sale AS s), other AS (SELECT o.id FROM gold.thing AS o)
    SELECT x.id INTO finance.x FROM sale AS x
    JOIN other AS y ON y.id = x.id
    WHERE EXISTS (SELECT 1 AS one FROM bronze_product.rate AS r WHERE r.code = 'a');"""
    found = lineage(read_script(write_script(body)))
    assert found.reads == (("bronze_product", "rate"), ("gold", "thing"), ("silver", "sale"))
    assert found.writes == (("finance", "x"),)


def test_a_script_that_cannot_be_parsed_is_an_error_at_its_own_table(write_script: Write) -> None:
    broken = write_script("SELEC id INTO finance.x;", "broken")
    write_script("SELECT s.id INTO finance.good FROM silver.sale AS s;", "good")
    found = {item.writes[0]: item for item in lineages(broken.parent)}
    assert found["finance", "broken"].problems
    assert not found["finance", "good"].problems


def test_two_scripts_for_one_table_are_both_refused(write_script: Write) -> None:
    write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", "a")
    folder = write_script("SELECT s.id AS other INTO finance.X FROM silver.sale AS s;", "b").parent
    found = [problem for item in lineages(folder) for problem in item.problems]
    assert [(problem.file.name, problem.what) for problem in found] == [
        ("a.sql", "a second script for finance.x"), ("b.sql", "a second script for finance.x"),
    ]  # fmt: skip
    assert ["b.sql" in found[0].why, "a.sql" in found[1].why] == [True, True]


def test_scripts_run_after_those_they_read(write_script: Write) -> None:
    write_script("SELECT b.id INTO finance.a FROM finance.b AS b;", "a")
    folder = write_script("SELECT s.id INTO finance.b FROM silver.sale AS s;", "b").parent
    assert [item.writes[0][1] for item in lineages(folder)] == ["b", "a"]
    write_script("SELECT a.id INTO finance.b FROM finance.a AS a;", "b")
    write_script("SELECT s.id INTO finance.well FROM silver.sale AS s;", "well")
    found = {item.script.name: [str(problem) for problem in item.problems] for item in lineages(folder)}
    assert found["well"] == []
    assert ".sql:4:33: finance.b in a circle" in found["a"][0]
    assert "finance.b → finance.a → finance.b" in found["a"][0]


def test_a_script_may_build_several_tables(write_script: Write) -> None:
    write_script("SELECT a.id INTO finance.last FROM finance.second AS a;", "a_last")
    body = (
        "SELECT s.id INTO finance.first FROM silver.sale AS s SELECT f.id INTO finance.second FROM finance.first AS f"
    )
    folder = write_script(f"{body} SELECT 1 AS a INTO finance.gone DROP TABLE finance.gone", "b_several").parent
    several, last = lineages(folder)
    assert several.writes == (("finance", "first"), ("finance", "second"))
    assert several.reads == (("silver", "sale"),)
    assert last.reads == (("finance", "second"),)
