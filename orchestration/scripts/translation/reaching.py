"""Adds the ``rowid`` of the table that is changed to the query that finds its rows."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.actions import Rows

ROW = "strata_row"


def with_rows(query: exp.Expr, rows: Rows) -> exp.Expr:
    """Put the target's row before the values that a rewritten query selects; through the CTE, where there is one."""
    assert isinstance(query, exp.Select)  # noqa: S101 - changes are compiled to plain SELECTs
    column = "rowid"
    if rows.cte:
        (inner,) = (cte.this for cte in query.ctes if cte.alias.lower() == rows.cte.lower())
        source = inner.args["from_"].this
        row = exp.column("rowid", table=source.alias, quoted=True)
        inner.append("expressions", exp.alias_(row, ROW, quoted=True))
        column = ROW
    query.set("expressions", [exp.column(column, table=rows.alias, quoted=True), *query.expressions])
    return query
