"""Functions that give tables: STRING_SPLIT and GENERATE_SERIES."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.comparisons import unified
from orchestration.scripts.binding.expressions import bind_expression
from orchestration.scripts.binding.plan import BUILD, Refused
from orchestration.scripts.binding.scope import Field, Findings, Scope
from orchestration.scripts.binding.texts import constant
from orchestration.scripts.dialect import function_name
from orchestration.scripts.translation.nodes import call, cast
from orchestration.scripts.types import NVARCHAR_MAX

_VALUE = "value"


def bind_table_function(node: exp.Expr, scope: Scope, found: Findings) -> tuple[Field, ...]:
    """Bind a function in FROM or behind APPLY; its columns."""
    name = function_name(node)
    arguments = list(node.expressions)
    for argument in arguments:
        bind_expression(argument, scope, found)
    bind = _FUNCTIONS.get(name)
    if bind is None:
        why = "it is not one of the functions that give a table here."
        found.problem(node, f"{name}()", why, "Use STRING_SPLIT, GENERATE_SERIES, or a table.")
        return ()
    try:
        return bind(node, arguments)
    except Refused as refused:
        found.problem(node, refused.what, *refused.advice)
        return ()


def _split(node: exp.Expr, arguments: list[exp.Expr]) -> tuple[Field, ...]:
    if len(arguments) == 3:
        why = "the places of the parts are known from SQL Server 2022 on, and not to scripts."
        raise Refused(
            "STRING_SPLIT()'s third argument", why, "Leave it out: STRING_SPLIT(x, ',') has the column value."
        )
    separator = constant(arguments[1]) if len(arguments) == 2 else None
    if separator is None or len(separator) != 1 or separator.lower() != separator.upper():
        raise Refused("STRING_SPLIT()", "the separator is one sign that is written out.", "Write STRING_SPLIT(x, ',').")
    node.meta[BUILD] = lambda item: _rows(call("unnest", call("string_split", *item.expressions)))
    return (Field(_VALUE, NVARCHAR_MAX),)


def _series(node: exp.Expr, arguments: list[exp.Expr]) -> tuple[Field, ...]:
    kind, converts = unified(arguments, "GENERATE_SERIES")
    if not kind.is_integer:
        raise Refused("GENERATE_SERIES()", "it counts in whole numbers here.", "CAST the limits AS int.")

    def build(item: exp.Expr) -> exp.Expr:
        parts = [cast(to(part), "BIGINT") for to, part in zip(converts, item.expressions, strict=True)]
        start, stop, *step = parts
        by = step[0] if step else call("strata_step", start.copy(), stop.copy())
        return _rows(cast(call("unnest", call("generate_series", start, stop, by)), kind.duckdb))

    node.meta[BUILD] = build
    return (Field(_VALUE, kind),)


def _rows(value: exp.Expr) -> exp.Expr:
    return exp.Select(expressions=[exp.alias_(value, _VALUE, quoted=True)])


_FUNCTIONS = {"STRING_SPLIT": _split, "GENERATE_SERIES": _series}
