"""Rewrites a checked SELECT … INTO into DuckDB's SELECT with SQL Server's results.

Nodes are rewritten bottom-up: sqlglot's own ``transform`` does not enter a node
that it has replaced. What is not told apart here, sqlglot's generator translates;
whatever it cannot, it has to raise.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp, parse_one
from sqlglot.errors import ErrorLevel, UnsupportedError

from orchestration.failures import ScriptRefused
from orchestration.names import Table, literal
from orchestration.scripts import decimals
from orchestration.scripts.check import AS_OF, Checked
from orchestration.scripts.constructs import INTEGERS, TEXTS
from orchestration.scripts.problems import refusal

AS_OF_VARIABLE = f"v_{AS_OF}"
"""The prefix is needed: DuckDB reserves ASOF."""


def scope_view(table: Table) -> str:
    """Return the name of the temporary view that shows a script one tenant's rows of a table."""
    return f"strata_scope_{table[0]}__{table[1]}"


def translate(checked: Checked) -> str:
    """Return DuckDB text that selects the script's rows from the views of one tenant.

    Raises:
        ScriptRefused: the script has problems, or something in it has no translation.
    """
    if checked.problems or checked.select is None:
        raise refusal(checked.problems)
    select = checked.select.copy()
    select.set("into", None)
    select.set("options", None)
    _mark_recursion(select)
    _mark_types(select)
    for node in reversed(list(select.walk(bfs=True))):
        rewrite = _REWRITES.get(type(node))
        if rewrite is not None:
            rewrite(node)
    try:
        return _text(select, pretty=True)
    except UnsupportedError as error:
        raise ScriptRefused(f"{checked.script.path}: {error}.", "See docs/analyst/differences.md.") from error


def _text(node: exp.Expr, *, pretty: bool = False) -> str:
    text: str = node.sql("duckdb", identify=True, pretty=pretty, unsupported_level=ErrorLevel.RAISE)
    return text


def _duckdb(text: str) -> exp.Expr:
    return parse_one(text, read="duckdb")


def _mark_recursion(select: exp.Select) -> None:
    """Add the word RECURSIVE, which T-SQL leaves out."""
    for cte in select.ctes:
        if any(table.name.lower() == cte.alias.lower() and not table.db for table in cte.find_all(exp.Table)):
            select.args["with_"].set("recursive", value=True)


def _mark_types(select: exp.Select) -> None:
    """Note what the text tells of types before anything is rewritten."""
    for node in select.walk():
        if isinstance(node, exp.Div):
            node.meta["types"] = decimals.quotient(node)
        elif isinstance(node, exp.Mul):
            node.meta["factors"] = [decimals.written_type(side) for side in (node.this, node.expression)]
        elif isinstance(node, exp.DateAdd):
            node.meta["date"] = _is_date(node)


def _is_date(node: exp.Expr) -> bool:
    """Say whether the text tells that a value is a date, not a timestamp."""
    plain = node.unnest()
    if isinstance(plain, exp.DateAdd | exp.TsOrDsToDate):
        return _is_date(plain.this)
    cast = isinstance(plain, exp.Cast) and plain.to.this is exp.DataType.Type.DATE
    return cast or isinstance(plain, exp.Parameter | exp.DateFromParts | exp.LastDay)


def _table(node: exp.Expr) -> None:
    if node.args.get("db"):
        alias = node.alias or node.name
        view = scope_view((node.args["db"].name.lower(), node.name.lower()))
        node.replace(exp.alias_(exp.to_table(f'"{view}"'), alias, table=True))


def _parameter(node: exp.Expr) -> None:
    node.replace(_duckdb(f"getvariable({literal(AS_OF_VARIABLE)})"))


def _division(node: exp.Expr) -> None:
    types = node.meta["types"]
    node.replace(_duckdb(decimals.divide(_text(node.this), _text(node.expression), types)))


def _product(node: exp.Expr) -> None:
    for side, kind in zip(("this", "expression"), node.meta["factors"], strict=True):
        if kind and not kind.whole:
            node.set(side, _duckdb(decimals.widened(_text(node.args[side]), kind)))


def _cast(node: exp.Expr) -> None:
    """SQL Server cuts decimals to integers and text at the type's length; DuckDB rounds, and keeps text whole."""
    kind = node.args["to"]
    if kind.this in INTEGERS:
        node.set("this", _duckdb(f"TRUNC({_text(node.this)})"))
    if kind.this not in TEXTS:
        return
    length = kind.expressions[0].name if kind.expressions else "max"
    kind.set("expressions", None)
    if length.isdigit():
        node.replace(exp.Left(this=node.copy(), expression=exp.Literal.number(length)))


def _like(node: exp.Expr) -> None:
    node.replace(exp.ILike(this=node.this, expression=node.expression))


def _national(node: exp.Expr) -> None:
    node.replace(exp.Literal.string(node.name))


def _length(node: exp.Expr) -> None:
    """LEN does not count blanks at the end."""
    node.set("this", _duckdb(f"RTRIM({_text(node.this)})"))


def _date_add(node: exp.Expr) -> None:
    """DATEADD of a date is a date; DuckDB's sum of a date and an interval is a timestamp."""
    if node.meta.get("date"):
        node.replace(exp.cast(node.copy(), exp.DataType.Type.DATE))


_REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Table: _table,
    exp.Parameter: _parameter,
    exp.Div: _division,
    exp.Mul: _product,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Like: _like,
    exp.National: _national,
    exp.Length: _length,
    exp.DateAdd: _date_add,
}
