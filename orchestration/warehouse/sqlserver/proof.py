"""Proves that what a table of SQL Server holds is what was to be loaded: counts alone prove nothing.

Ways of loading were seen that drop rows, cut fractions of seconds or corrupt decimals, and say nothing. So both
sides are asked the same question about every column, each in its own words, and the answers have to be equal.
What is asked: how many values there are; of numbers their sum, of texts their lengths and the first and last
sign of each, of days and instants their distance from a day, of floating numbers the smallest and the greatest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.names import quote

_DAY = "2000-01-01"
_FIRST_SURROGATE = 55296
"""Signs from here on count two in UTF-16; which of them a server gives depends on its collation."""


@dataclass(frozen=True)
class Question:
    """One question about one column, in both languages."""

    about: str
    duckdb: str
    tsql: str
    more: str = "0"
    """How much more a server may answer that counts signs in UTF-16, as one does without supplementary characters."""


def questions(columns: Mapping[str, str]) -> list[Question]:
    """Return what is asked of columns, given by their DuckDB types; the first question counts the rows."""
    asked = [Question("rows", "count(*)", "COUNT_BIG(*)")]
    for name, kind in columns.items():
        ours, theirs = quote(name), bracketed(name)
        asked.append(Question(f"values of {name}", f"count({ours})", f"COUNT_BIG({theirs})"))
        asked += [Question(f"{what} of {name}", *words) for what, *words in _of_kind(kind, ours, theirs)]
    return asked


def _of_kind(kind: str, ours: str, theirs: str) -> list[tuple[str, ...]]:
    if kind in ("VARCHAR", "JSON"):
        return _of_text(ours, theirs)
    if kind == "BOOLEAN":
        return [("sum", f"sum(CAST({ours} AS INTEGER))", f"SUM(CAST({theirs} AS bigint))")]
    if kind == "DATE":
        days = f"sum(datediff('day', DATE '{_DAY}', {ours}))"
        return [("days", days, f"SUM(CAST(DATEDIFF(day, '{_DAY}', {theirs}) AS bigint))")]
    if kind == "TIMESTAMP":
        return [
            ("seconds", f"sum(datediff('second', TIMESTAMP '{_DAY}', {ours}))",
             f"SUM(CAST(DATEDIFF_BIG(second, '{_DAY}', {theirs}) AS decimal(38,0)))"),
            ("microseconds", f"sum(microsecond({ours}) % 1000000)",
             f"SUM(CAST(DATEPART(microsecond, {theirs}) AS bigint))"),
        ]  # fmt: skip
    if kind in ("DOUBLE", "FLOAT"):
        return [("smallest", f"min({ours})", f"MIN({theirs})"), ("greatest", f"max({ours})", f"MAX({theirs})")]
    if kind.startswith("DECIMAL") or kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        scale = kind.partition(",")[2].strip(" )") or "0"
        return [("sum", f"sum({ours})", f"SUM(CAST({theirs} AS decimal(38,{scale})))")]
    return []


def _of_text(ours: str, theirs: str) -> list[tuple[str, ...]]:
    beyond = rf"length(regexp_replace({ours}, '[^\x{{10000}}-\x{{10FFFF}}]', '', 'g'))"
    more = f"coalesce(sum(CASE WHEN strlen({ours}) > length({ours}) THEN {beyond} END), 0)"
    signs: list[tuple[str, ...]] = []
    for what, local, remote in (
        ("first signs", f"left({ours}, 1)", f"LEFT({theirs}, 1)"),
        ("last signs", f"right({ours}, 1)", f"RIGHT({theirs}, 1)"),
    ):
        plain = f"CASE WHEN unicode({local}) < {_FIRST_SURROGATE} AND {ours} <> '' THEN unicode({local}) ELSE 0 END"
        there = f"CASE WHEN UNICODE({remote}) < {_FIRST_SURROGATE} THEN UNICODE({remote}) ELSE 0 END"
        signs.append((what, f"sum({plain})", f"SUM(CAST({there} AS bigint))"))
    # LEN leaves trailing blanks out: a point behind them keeps them in.
    length = ("length", f"sum(length({ours}))", f"SUM(CAST(LEN({theirs} + N'.') - 1 AS bigint))", more)
    return [length, *signs]


def ask_duckdb(asked: list[Question], relation: str) -> str:
    """Return the query of a relation of ours."""
    answers = [question.duckdb for question in asked] + [question.more for question in asked]
    return f"SELECT {', '.join(answers)} FROM {relation}"


def ask_server(asked: list[Question], place: str, condition: str = "") -> str:
    """Return the query of a table there; ``condition`` keeps it to the rows of one load."""
    where = f" WHERE {condition}" if condition else ""
    return f"SELECT {', '.join(question.tsql for question in asked)} FROM {place}{where}"


def differences(asked: list[Question], here: tuple[Any, ...], there: tuple[Any, ...]) -> list[str]:
    """Say which answers differ; nothing of the values themselves beyond what was asked."""
    answers, more = here[: len(asked)], here[len(asked) :]
    return [
        f"{question.about}: {ours} landed, {theirs} stored"
        for question, ours, extra, theirs in zip(asked, answers, more, there, strict=True)
        if (theirs or 0) not in {ours or 0, (ours or 0) + extra}
    ]


def bracketed(identifier: str) -> str:
    """Quote one identifier for SQL Server."""
    return "[" + identifier.replace("]", "]]") + "]"
