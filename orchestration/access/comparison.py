"""What a reader may ask of a table: comparisons, an order and a place to go on from, never SQL text.

A column is named, and named columns are checked against the table; a value is a
parameter, cast to the column's type. It is never the column that is cast: its rows may
be another tenant's, and the engine quotes the value that did not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from orchestration.access.refusals import Unanswerable
from orchestration.names import quote

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "null", "not null"]
_WRITTEN = re.compile(r"^\s*(?P<column>\w+)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*$", re.DOTALL)
_WORDS = re.compile(r"^\s*(?P<column>\w+)\s+(?P<operator>not null|null|in)\b\s*(?P<value>.*?)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Comparison:
    """One condition on one column; ``value`` is a sequence for ``in`` and unused for ``null`` and ``not null``."""

    column: str
    operator: Operator
    value: Any = None


@dataclass(frozen=True)
class Condition:
    """SQL with ``?`` for each of its values, and the type that each is cast to."""

    sql: str
    values: tuple[object, ...] = ()
    types: tuple[str, ...] = ()


def parse_comparison(text: str) -> Comparison:
    """Read a comparison as people write it: ``amount>=100``, ``status in open,paid``, ``closed_at null``.

    Raises:
        Unanswerable: it is none.
    """
    found = _WORDS.match(text) or _WRITTEN.match(text)
    if found is None:
        remedy = "Write COLUMN=VALUE (or != < <= > >=), 'COLUMN in A,B', 'COLUMN null' or 'COLUMN not null'."
        raise Unanswerable(f"{text!r} is no comparison.", remedy)
    operator = cast("Operator", found["operator"])
    value = [part.strip() for part in found["value"].split(",")] if operator == "in" else found["value"]
    return Comparison(found["column"], operator, value)


def conditions(where: Sequence[Comparison], columns: Mapping[str, str]) -> Iterator[Condition]:
    """Yield each comparison as SQL; ``columns`` are the table's names and types.

    Raises:
        Unanswerable: a column or an operator is unknown.
    """
    for item in where:
        kind = type_of(item.column, columns)
        name = quote(item.column)
        if item.operator not in get_args(Operator):
            raise Unanswerable(f"{item.operator!r} compares nothing.", f"There are: {', '.join(get_args(Operator))}.")
        if item.operator in {"null", "not null"}:
            yield Condition(f"{name} IS {item.operator.upper()}")
        elif item.operator == "in":
            values = tuple(item.value)
            listed = ", ".join(_cast(kind) for _ in values)
            yield Condition(f"{name} IN ({listed})", values, (kind,) * len(values)) if values else Condition("false")
        else:
            yield Condition(f"{name} {item.operator} {_cast(kind)}", (item.value,), (kind,))


def ordering(order: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return what goes after ORDER BY; a leading ``-`` turns a column's order round, missing values come last."""
    parts = []
    for item in order:
        type_of(item.removeprefix("-"), columns)
        parts.append(f"{quote(item.removeprefix('-'))} {'DESC' if item.startswith('-') else 'ASC'} NULLS LAST")
    return ", ".join(parts)


def beyond(after: Sequence[object], order: Sequence[str], columns: Mapping[str, str]) -> Condition:
    """Return the condition for rows that come after one whose ordering columns hold ``after``.

    Raises:
        Unanswerable: ``after`` has not one value for each column of the order.
    """
    if len(after) != len(order):
        message = f"The place to go on from has {len(after)} values, the order {len(order)} columns."
        raise Unanswerable(message, "Give the last row's values of the columns that the rows are ordered by.")
    branches: list[Condition] = []
    equal = Condition("true")
    for item, value in zip(order, after, strict=True):
        name, kind = quote(item.removeprefix("-")), type_of(item.removeprefix("-"), columns)
        if value is not None:  # a missing value comes last: nothing follows it in this column
            later = f"({name} {'<' if item.startswith('-') else '>'} {_cast(kind)} OR {name} IS NULL)"
            branches.append(_both(equal, Condition(later, (value,), (kind,))))
        same = Condition(f"{name} IS NOT DISTINCT FROM {_cast(kind)}", (value,), (kind,))
        equal = _both(equal, same)
    sql = " OR ".join(f"({branch.sql})" for branch in branches) or "false"
    values = tuple(value for branch in branches for value in branch.values)
    return Condition(f"({sql})", values, tuple(kind for branch in branches for kind in branch.types))


def type_of(column: str, columns: Mapping[str, str]) -> str:
    """Return a column's type; refuse a name that the table has not."""
    if column not in columns:
        raise Unanswerable(f"There is no column {column!r}.", f"The table has: {', '.join(columns)}.")
    return columns[column]


def _both(one: Condition, other: Condition) -> Condition:
    return Condition(f"{one.sql} AND {other.sql}", one.values + other.values, one.types + other.types)


def _cast(kind: str) -> str:
    return f"CAST(? AS {kind})"
