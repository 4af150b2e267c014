"""Reads a tenant's rows of one table, by comparisons whose values are parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.access.comparison import Comparison, Condition, beyond, conditions, ordering, type_of
from orchestration.access.refusals import Unanswerable
from orchestration.access.relation import Relation
from orchestration.names import quote


@dataclass(frozen=True)
class Question:
    """What is asked of a table: all of it when everything is left out.

    ``order`` names columns, with a leading ``-`` for descending; ``after`` holds the last seen row's values of
    those columns, to go on behind it.
    """

    columns: Sequence[str] = ()
    where: Sequence[Comparison] = ()
    order: Sequence[str] = ()
    limit: int | None = None
    after: Sequence[object] | None = None


def select(relation: Relation, question: Question) -> pa.Table:
    """Return the rows that a question asks for.

    Raises:
        Unanswerable: a column is unknown, or a value does not fit its column.
    """
    found = list(conditions(question.where, relation.columns))
    if question.after is not None:
        found.append(beyond(question.after, question.order, relation.columns))
    for condition in found:
        _require_fitting(relation, condition)
    for name in question.columns:
        type_of(name, relation.columns)
    listed = ", ".join(map(quote, question.columns)) or "*"
    where = " AND ".join(condition.sql for condition in found) or "true"
    order = f" ORDER BY {ordering(question.order, relation.columns)}" if question.order else ""
    limit = "" if question.limit is None else f" LIMIT {int(question.limit)}"
    values = [relation.tenant, *(value for condition in found for value in condition.values)]
    sql = f"SELECT {listed} FROM {relation.sql} WHERE {where}{order}{limit}"
    return relation.con.sql(sql, params=values).to_arrow_table()


def count(relation: Relation) -> int:
    """Return how many rows the tenant has."""
    rows = relation.con.execute(f"SELECT count(*) FROM {relation.sql}", [relation.tenant]).fetchall()
    return int(rows[0][0])


def _require_fitting(relation: Relation, condition: Condition) -> None:
    """Try each value alone, before any row is looked at."""
    for value, kind in zip(condition.values, condition.types, strict=True):
        try:
            relation.con.execute(f"SELECT CAST(? AS {kind})", [value]).fetchall()
        except duckdb.Error:
            raise Unanswerable(f"{value!r} is no {kind}.", "Write the value as the column has it.") from None
