"""PIVOT and UNPIVOT, written as the plain queries that they stand for."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused
from orchestration.scripts.binding.scope import Field
from orchestration.scripts.types import UNKNOWN

Columns = Callable[[exp.Expr], tuple[Field, ...]]
_SOURCE = "strata_source"


def desugared(node: exp.Expr, columns: Columns) -> exp.Expr:
    """Replace a source that is pivoted by a derived table with the same rows; ``columns`` tells a source's columns."""
    for pivot in node.args["pivots"]:
        source = node.copy()
        source.set("pivots", None)
        fields = columns(source)
        names = [item.name for item in fields]
        if pivot.args.get("unpivot"):
            _check_types(pivot, fields)
        if not source.alias:
            source.set("alias", exp.TableAlias(this=exp.to_identifier(_SOURCE)))
        make = _unpivoted if pivot.args.get("unpivot") else _pivoted
        alias = pivot.alias or node.alias_or_name
        derived = exp.Subquery(this=make(pivot, source, names), alias=exp.TableAlias(this=exp.to_identifier(alias)))
        derived.set("joins", node.args.get("joins"))
        node.replace(derived)
        node = derived
    return node


def _check_types(pivot: exp.Expr, fields: tuple[Field, ...]) -> None:
    """Refuse UNPIVOT over columns of several types: of texts their lengths count, too (SQL Server's error 8167)."""
    kinds = {item.name.lower(): item.type for item in fields}
    spread = [item.name for item in pivot.args["fields"][0].expressions]
    first = kinds.get(spread[0].lower())
    for name in spread[1:]:
        kind = kinds.get(name.lower())
        if kind is not None and first is not None and kind != first and UNKNOWN not in (kind, first):
            why = f"{spread[0]} is {first.tsql} and {name} {kind.tsql}; SQL Server wants one type and length."
            raise Refused("UNPIVOT over columns of several types", why, "CAST them in a derived table or a CTE first.")


def _column(source: exp.Expr, name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(source.alias, quoted=True))


def _pivoted(pivot: exp.Expr, source: exp.Expr, names: list[str]) -> exp.Expr:
    """Group by every column that PIVOT does not name; each value becomes an aggregate of its own rows."""
    (field,), (aggregate,) = pivot.args["fields"], pivot.expressions
    if not isinstance(field, exp.In) or len(aggregate.expressions) != 1 or aggregate.find(exp.Star):
        raise Refused(
            "PIVOT in this form", "it takes one aggregate of one column.", "Write SUM(CASE WHEN … THEN … END)."
        )
    spread, value = field.this.name, aggregate.expressions[0].name
    keys = [name for name in names if name.lower() not in (spread.lower(), value.lower())]
    items: list[exp.Expr] = [_column(source, name) for name in keys]
    for item in field.expressions:
        test = exp.EQ(this=_column(source, spread), expression=exp.Literal.string(item.name))
        case = exp.Case(ifs=[exp.If(this=test, true=_column(source, value))])
        call = exp.Anonymous(this=aggregate.this, expressions=[case])
        items.append(exp.alias_(call, item.name, quoted=True))
    select = exp.Select(expressions=items, from_=exp.From(this=source))
    if keys:
        select.set("group", exp.Group(expressions=[_column(source, name) for name in keys]))
    return select


def _unpivoted(pivot: exp.Expr, source: exp.Expr, names: list[str]) -> exp.Expr:
    """Make a row of every column that UNPIVOT names and that holds a value."""
    (field,) = pivot.args["fields"]
    value, label = pivot.expressions[0].name, field.this.name
    spread = [item.name for item in field.expressions]
    rows = [exp.Tuple(expressions=[_label(name), _column(source, name)]) for name in spread]
    alias = exp.TableAlias(
        this=exp.to_identifier("strata_rows"), columns=[exp.to_identifier(label), exp.to_identifier(value)]
    )
    lateral = exp.Lateral(this=exp.Subquery(this=exp.Values(expressions=rows)), alias=alias, cross_apply=True)
    kept = [name for name in names if name.lower() not in {item.lower() for item in spread}]
    rows_alias = exp.to_identifier("strata_rows")
    made = [exp.column(exp.to_identifier(name, quoted=True), table=rows_alias.copy()) for name in (value, label)]
    present = exp.Not(this=exp.Is(this=made[0].copy(), expression=exp.Null()))
    return exp.Select(
        expressions=[*[_column(source, name) for name in kept], *made],
        from_=exp.From(this=source),
        joins=[exp.Join(this=lateral)],
        where=exp.Where(this=present),
    )


def _label(name: str) -> exp.Expr:
    """Write a column's name as a value, of the type that SQL Server gives names."""
    return exp.Cast(this=exp.National(this=name), to=exp.DataType.build("nvarchar(128)", dialect="tsql"))
