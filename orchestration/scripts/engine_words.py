"""What DuckDB says when a statement fails on its data, in SQL Server's words."""

from __future__ import annotations

import re
from collections.abc import Callable

_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_COMPLAINT = re.compile(r"^Could not convert string '(.*)' to BOOL$")
_ADVICE = re.compile(r"\.? (Use TRY|Use \"SET |You might want |Candidate ).*$")
_TYPES = {
    "UINT8": "tinyint", "INT16": "smallint", "INT32": "int", "INT64": "bigint", "INT128": "decimal(38,0)",
    "HUGEINT": "decimal(38,0)", "FLOAT": "real", "DOUBLE": "float", "BOOL": "bit", "TIMESTAMP": "datetime2",
    "VARCHAR": "nvarchar(max)",
}  # fmt: skip
_SIGNS = {"addition": "+", "subtraction": "-", "multiplication": "*"}
_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"Casting value \"(.*)\" to type (.+) failed: value is out of range"),
        lambda found: f"an overflow: {found[1]} does not fit into {_type(found[2])}",
    ),
    (
        re.compile(r"Type \w+ with value (.+) can't be cast because the value is out of range.* type (\S+)"),
        lambda found: f"an overflow: {found[1]} does not fit into {_type(found[2])}",
    ),
    (
        re.compile(r"Could not convert string ['\"](.*)['\"] to (.+?)( when casting.*)?$"),
        lambda found: f"the text '{found[1]}' cannot become {_type(found[2])}",
    ),
    (
        re.compile(r"invalid (date|timestamp|time) field format: \"(.*?)\""),
        lambda found: f"the text '{found[2]}' is no {found[1].replace('timestamp', 'datetime2')}",
    ),
    (
        re.compile(r"Overflow in (\w+) of (\w+)(?:\(\d+\))? \((.*)\)"),
        lambda found: f"an overflow of {_type(found[2])} in {_operation(found[1], found[3])}",
    ),
    (
        re.compile(r"Overflow in (\w+) (addition|subtraction|multiplication): (.*)"),
        lambda found: f"an overflow of {_type(found[1])} in {_operation(found[2], found[3])}",
    ),
    (
        re.compile(r"More than one row returned by a subquery"),
        lambda _: "a subquery that stands for one value gave more than one row",
    ),
)


def in_words(error: str) -> str:
    """Return what an error means in one sentence; else DuckDB's first line, less its own settings."""
    first = _KIND.sub("", error.split("\n", 1)[0])
    said = _COMPLAINT.sub(r"\1", first)
    if said != first:
        return said.rstrip(".") + "."
    for pattern, words in _SAID:
        if found := pattern.search(said):
            return words(found) + "."
    return _ADVICE.sub("", said).rstrip(".") + "."


def _type(name: str) -> str:
    plain = name.rstrip("!. ")
    return _TYPES.get(plain.upper(), plain.lower())


def _operation(name: str, values: str) -> str:
    return values if any(f" {sign} " in values for sign in _SIGNS.values()) else f"{name} ({values})"
