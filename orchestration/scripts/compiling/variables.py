"""DECLARE, SET @x and SELECT @x = …: variables, and tables that are variables."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.actions import Assign, Create
from orchestration.scripts.binding.hints import AS_OF, undeclared
from orchestration.scripts.compiling.compilation import Compilation, Stopped
from orchestration.scripts.compiling.definitions import layout_of
from orchestration.scripts.compiling.values import values_for
from orchestration.scripts.constructs import Advice
from orchestration.scripts.statements import Statement
from orchestration.scripts.types import DATE, SqlType, read_type

_SET = Advice("the platform sets it, to the day of the close.", "Use a variable of your own.")
_ITSELF = Advice(
    "over several rows, what a variable holds along the way is left to chance.",
    "Write SET @x = (SELECT …), with SUM or STRING_AGG.",
)


def declare(c: Compilation, statement: Statement) -> None:
    """Compile DECLARE of variables and of table variables; a default sees none of the same DECLARE."""
    declared: dict[str, SqlType] = {}
    for item in statement.tree.expressions:
        for name in [parameter.name.lower() for parameter in item.this]:
            try:
                _declare(c, statement, item, (name, declared))
            except Stopped:
                _go_on(c, item, (name, declared))
    c.variables |= declared


def _declare(c: Compilation, statement: Statement, item: exp.Expr, into: tuple[str, dict[str, SqlType]]) -> None:
    name, declared = into
    kind = item.args.get("kind")
    if name in c.variables or name in declared or f"@{name}" in c.made:
        raise c.stop(statement, f"@{name}", Advice("it is declared already.", "Declare it once in a batch."), item)
    if isinstance(kind, exp.Schema):
        layout = layout_of(c, statement, kind)
        c.made[f"@{name}"] = layout
        c.actions.append(Create(statement.place, f"@{name}", layout))
    else:
        declared[name] = _declared(c, statement, item, name)


def _go_on(c: Compilation, item: exp.Expr, into: tuple[str, dict[str, SqlType]]) -> None:
    """Take a variable whose DECLARE has an error for what it is meant to be; what uses it is passed over else."""
    name, declared = into
    kind = item.args.get("kind")
    found = DATE if name == AS_OF else read_type(kind) if isinstance(kind, exp.DataType) else None
    if found is not None:
        declared.setdefault(name, found)
    elif f"@{name}" not in c.made:
        c.unknown.add(f"@{name}")


def assign(c: Compilation, statement: Statement) -> None:
    """Compile SET @x = …, which gives NULL where its query has no row."""
    (item,) = statement.tree.expressions
    name = _known(c, statement, item.this.this)
    _set(c, statement, {name: c.variables[name]}, exp.Select(expressions=[item.this.expression]))


def select_assign(c: Compilation, statement: Statement) -> None:
    """Compile SELECT @x = …, which keeps the variables where its query has no row; several rows are an error."""
    query = statement.tree
    assert isinstance(query, exp.Select)  # noqa: S101 - the statement's kind says so
    values: dict[str, exp.Expr] = {}
    for item in query.expressions:
        if not isinstance(item, exp.EQ) or not isinstance(item.this, exp.Parameter):
            advice = Advice("a SELECT sets variables or returns rows, not both.", "Write two statements.")
            raise c.stop(statement, "SELECT @x = … with columns", advice, item)
        values[_known(c, statement, item.this)] = item.expression
    used = {node.name.lower() for value in values.values() for node in value.find_all(exp.Parameter)}
    if used & set(values) and (query.args.get("from_") or len(values) > 1):
        raise c.stop(statement, "a variable that is set from itself", _ITSELF)
    query.set("expressions", list(values.values()))
    _set(c, statement, {name: c.variables[name] for name in values}, query)


def _declared(c: Compilation, statement: Statement, item: exp.Expr, name: str) -> SqlType:
    kind = item.args["kind"]
    found = read_type(kind) if isinstance(kind, exp.DataType) else None
    if name == AS_OF and found != DATE:
        given = kind.sql("tsql").lower() if kind is not None else "this"
        advice = Advice(
            f"the platform sets it to the day of the close, which is a date and no {given}.",
            "Write DECLARE @as_of date;",
        )
        raise c.stop(statement, "@as_of", advice, item)
    if found is None:
        advice = Advice(
            "scripts know no such type.", "Use int, decimal(p,s), date, datetime2, varchar(n) or nvarchar(n)."
        )
        raise c.stop(statement, f"@{name} {kind.sql('tsql') if kind else ''}", advice, item)
    value = item.args.get("default") or exp.Null()
    if name != AS_OF:
        _set(c, statement, {name: found}, exp.Select(expressions=[value]))
    elif item.args.get("default"):
        told = len(c.problems)
        c.bind(statement, exp.Select(expressions=[exp.alias_(value, "c0")]))
        del c.problems[told:]  # warnings of a value that is never used
    return found


def _set(c: Compilation, statement: Statement, variables: dict[str, SqlType], query: exp.Select) -> None:
    query.set("expressions", [exp.alias_(value, f"c{n}") for n, value in enumerate(query.expressions)])
    values = values_for(c, statement, query, variables)
    c.actions.append(Assign(statement.place, variables, values))


def _known(c: Compilation, statement: Statement, node: exp.Expr) -> str:
    name = str(node.name).lower()
    if name == AS_OF:
        raise c.stop(statement, "@as_of", _SET, node)
    if name not in c.variables:
        raise c.stop(statement, f"@{name}", undeclared(name, c.variables, c.ended), node)
    return name
