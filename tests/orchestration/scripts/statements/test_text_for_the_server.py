"""A T-SQL server gets the analyst's text, but for the schema of the tables that a close builds and the day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestration.scripts.source import Header, Script
from orchestration.scripts.tsql import Placing, as_written, edits

DAY = date(2026, 1, 31)
TABLES = [("finance", "mrr"), ("finance", "month end")]
PIECES = [
    "SELECT a INTO finance.mrr FROM silver.t",
    "SELECT m.a FROM [Finance].[MRR] AS m",
    'DELETE "finance"."month end"',
    "SELECT a INTO finance.other FROM finance.mrrs",
    "PRINT 'finance.mrr'",
    "-- finance.mrr\r\n",
    "/* FINANCE.mrr\nGO\n*/",
    "IF OBJECT_ID(N'[finance].[mrr]') IS NOT NULL DROP TABLE finance.mrr",
    "IF OBJECT_ID('finance.other') IS NOT NULL DROP TABLE finance.other",
    "DECLARE @as_of date",
    "DECLARE @as_of date = '2020-01-01', @b decimal(18, 2) = 5;",
    "DECLARE @a int = 1, @as_of date;",
    "DECLARE @b date",
    "SELECT N'Zoë ''finance.mrr''' AS [finance.mrr]",
    "\nGO\n",
    "\r\ngo -- on\r\n",
    ";",
]


def read(text: str) -> Script:
    return Script(Path("script.sql"), text, Header())


def batches(text: str) -> list[tuple[int, str]]:
    return [(batch.first_line, batch.text) for batch in as_written(read(text), Placing(TABLES), DAY)]


def test_only_the_schema_of_built_tables_changes() -> None:
    text = "SELECT finance.mrr.a, 'finance.mrr' FROM finance.mrr -- finance.mrr\nJOIN [finance].[Month End] AS e ON 1=1"
    changed = "SELECT finance_work.mrr.a, 'finance.mrr' FROM finance_work.mrr -- finance.mrr\n"
    assert batches(text) == [(1, changed + "JOIN [finance_work].[Month End] AS e ON 1=1")]


def test_a_table_that_is_dropped_again_is_built_beside_those_that_are_kept() -> None:
    text = "SELECT a INTO [finance].base FROM silver.t\nDROP TABLE finance.base\nSELECT o.a FROM finance.other AS o"
    changed = text.replace("finance].base", "finance_work].base").replace("finance.base", "finance_work.base")
    assert batches(text) == [(1, changed)]


def test_object_id_asks_for_the_table_that_is_built() -> None:
    text = "IF OBJECT_ID(N'finance.mrr', 'U') IS NOT NULL DROP TABLE finance.mrr;"
    assert batches(text) == [(1, text.replace("finance", "finance_work"))]


def test_the_day_is_set_behind_its_declaration_in_the_same_line() -> None:
    assert batches("DECLARE @as_of date = GETDATE(); -- day\nSET @x = @as_of") == [
        (1, "DECLARE @as_of date = GETDATE(); SET @as_of = '2026-01-31'; -- day\nSET @x = @as_of")
    ]
    assert batches("DECLARE @as_of date -- day\nPRINT 'x'") == [
        (1, "DECLARE @as_of date; SET @as_of = '2026-01-31'; -- day\nPRINT 'x'")
    ]
    assert batches("DECLARE @b date, @as_of date") == [(1, "DECLARE @b date, @as_of date; SET @as_of = '2026-01-31';")]


def test_batches_know_their_first_line() -> None:
    assert batches("PRINT 1\r\nGO\r\n\r\n-- nothing\r\ngo\r\nPRINT 2\r\nGO -- end") == [
        (1, "PRINT 1\r\n"),
        (6, "PRINT 2\r\n"),
    ]


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", "\n", "\r\n", ";\n"])), max_size=12))
def test_taking_the_edits_back_gives_the_file(pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + end for piece, end in pieces)
    done = edits(read(text), Placing(TABLES), DAY)
    changed, offset, spans = text, 0, []
    for edit in done:
        changed = changed[: edit.start + offset] + edit.text + changed[edit.end + offset :]
        spans.append((edit.start + offset, edit.start + offset + len(edit.text), text[edit.start : edit.end]))
        offset += len(edit.text) - (edit.end - edit.start)
    for start, end, original in reversed(spans):
        assert original.lower().strip('[]"') in ("finance", "")
        changed = changed[:start] + original + changed[end:]
    assert changed == text


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["\n", ";\r\n"])), max_size=12))
def test_batches_are_the_edited_text_without_its_go_lines(pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + end for piece, end in pieces)
    for first_line, sent in batches(text):
        lines = text.replace("\r\n", "\n").split("\n")
        begin = sent.replace("\r\n", "\n").split("\n")[0]
        assert (
            begin.replace("finance_work", "finance").split("; SET @as_of")[0].split(" SET @as_of")[0].lower()
            in lines[first_line - 1].lower()
        )
