"""Warns where no condition joins a table to the others: rows are multiplied, and nothing says that it is meant."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.check.uniqueness import columns_of
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import as_text

_PAIRS = Advice(
    "no condition joins it to the tables before it, so every row is paired with every row.",
    "Write JOIN … ON, or CROSS JOIN if that is meant.",
)
_ITSELF = Advice(
    "a column is compared with itself, which tells nothing but whether it is NULL.",
    "Compare it with the other table's column, or write IS NOT NULL.",
)


def unjoined(select: exp.Expr) -> Iterator[tuple[exp.Expr, str, Advice]]:
    """Yield the tables behind a comma that nothing joins to those before them."""
    start, where = select.args.get("from_"), select.args.get("where")
    joins = select.args.get("joins") or []
    if start is None or not joins:
        return
    tests = [join.args["on"] for join in joins if join.args.get("on")] + ([where.this] if where is not None else [])
    before = {start.this.alias_or_name.lower()}
    for join in joins:
        alias = join.this.alias_or_name.lower()
        is_comma = not any(join.args.get(part) for part in ("kind", "side", "on", "using"))
        if is_comma and isinstance(join.this, exp.Table | exp.Subquery) and not _joined(alias, before, tests):
            yield join.this, f", {alias}", _PAIRS
        before.add(alias)


def _joined(alias: str, before: set[str], tests: list[exp.Expr]) -> bool:
    """Say whether a part of a condition names a table and one before it."""
    parts = [part for test in tests for part in (test.flatten() if isinstance(test, exp.And) else [test])]
    named = [{owner for owner, _ in columns_of([part])} for part in parts]
    return any(alias in names and names & before for names in named)


def with_itself(node: exp.Expr) -> Iterator[tuple[exp.Expr, str, Advice]]:
    """Yield a comparison of a column with itself."""
    left, right = node.this.unnest(), node.expression.unnest()
    is_pair = isinstance(left, exp.Column) and isinstance(right, exp.Column)
    if is_pair and columns_of([left]) and columns_of([left]) == columns_of([right]):
        yield node, as_text(node), _ITSELF
