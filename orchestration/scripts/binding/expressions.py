"""Gives every expression its type and its plan, from the leaves to the root."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.calls import bind_call, bind_window
from orchestration.scripts.binding.comparisons import check_beside, check_constant, compared, unified
from orchestration.scripts.binding.constants import bind_constant
from orchestration.scripts.binding.foreign import not_known
from orchestration.scripts.binding.hints import no_column, undeclared
from orchestration.scripts.binding.numbers import plan_arithmetic, plan_bits, plan_negative
from orchestration.scripts.binding.plan import BUILD, ORIGIN, OWNER, SOURCE, TYPE, Plan, Refused, remember
from orchestration.scripts.binding.predicates import PREDICATES
from orchestration.scripts.binding.scope import Findings, Scope
from orchestration.scripts.binding.texts import mark_plain
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import function_name
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import call, cast, join, operation
from orchestration.scripts.translation.variables import variable
from orchestration.scripts.types import INT, NULL, UNKNOWN, SqlType, combined, read_type, varchar

INEXACT = Advice("a float holds most amounts only nearly, and sums of them depend on their order.", "Use decimal(p,s).")
_CUT = Advice(
    "both sides are whole numbers, so the result is cut: 7 / 2 is 3.",
    "CAST one of them AS decimal(p,s) if that is not meant.",
)
_JOINED = "CAST the other side AS varchar(n), or write CONCAT; beside a number + adds."
Bind = Callable[[exp.Expr, Scope, Findings], SqlType]


def bind_expression(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    """Type an expression and leave its plan at each node; what has no exact counterpart becomes a problem."""
    try:
        return _bind(node, scope, found)
    except Refused as refused:
        if not any(part.meta.get(TYPE) == UNKNOWN for part in node.walk()):
            found.problem(node, refused.what, *refused.advice)
        node.meta[TYPE] = UNKNOWN
        return UNKNOWN


def _bind(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    if type(node) in PREDICATES:
        for child in _children(node):
            bind_expression(child, scope, found)
        return PREDICATES[type(node)](node, found)
    rule = _RULES.get(type(node))
    if rule is not None:
        return rule(node, scope, found)
    if function_name(node):
        return bind_call(node, scope, found, bind_expression)
    if isinstance(node, exp.Query):
        return _subquery(node, scope, found)
    raise not_known(node)


def _children(node: exp.Expr) -> list[exp.Expr]:
    return [
        child for child in node.iter_expressions() if not isinstance(child, exp.Identifier | exp.Var | exp.DataType)
    ]


def _column(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    assert isinstance(node, exp.Column)  # noqa: S101 - the dispatch is by this class
    matches = scope.resolve(node)
    if not matches and scope.has_unknown():
        node.meta[TYPE] = UNKNOWN
        return UNKNOWN
    if not matches:
        raise Refused(f"column {node.sql('tsql')}", *no_column(node, scope, found.frame.catalog))
    if len(matches) > 1:
        names = " and ".join(relation.alias for relation, _ in matches)
        raise Refused(f"column {node.sql('tsql')}", f"{names} both have it.", "Write the table's alias before it.")
    relation, column = matches[0]
    node.meta.update({TYPE: column.type, SOURCE: (relation.named, column.name), ORIGIN: column.origin})
    node.meta.update({OWNER: relation, BUILD: lambda _: column_of(relation.alias, column.name)})
    return column.type


def column_of(alias: str, name: str) -> exp.Expr:
    """Write ``"alias"."name"``."""
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias, quoted=True))


def _parameter(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    name = node.name.lower()
    kind = found.frame.variables.get(name)
    if kind is None:
        raise Refused(f"@{node.name}", *undeclared(name, found.frame.variables, found.frame.ended))
    node.meta[TYPE] = kind
    node.meta[BUILD] = lambda _: cast(call("getvariable", exp.Literal.string(variable(name))), kind.duckdb)
    return kind


def _paren(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    kind = bind_expression(node.this, scope, found)
    node.meta[TYPE] = kind
    return kind


def _binary(operator: str) -> Bind:
    def bind(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
        left, right = (bind_expression(side, scope, found) for side in (node.this, node.expression))
        if operator == "+" and _joins(left, right):
            mark_plain(node, node.this, node.expression)
            return remember(node, _concatenation(left, right), _sides)
        if operator == "/" and left.is_integer and right.is_integer:
            found.warn("integer-division", node, "a division of integers", _CUT)
        check_beside([node.this, node.expression], combined([left, right]), _JOINED)
        return remember(node, plan_arithmetic(operator, *_beside(node, left, right, found)), _sides)

    return bind


def _beside(node: exp.Expr, left: SqlType, right: SqlType, found: Findings) -> tuple[SqlType, SqlType]:
    """Give a whole number that is written out beside a decimal the precision of its digits.

    Raises:
        Refused: in this statement SQL Server may take it for a parameter, and for an int then.
    """
    kinds = [left, right]
    for place, side in enumerate((node.this, node.expression)):
        plain = side.unnest()
        plain = plain.this if isinstance(plain, exp.Neg) else plain
        other = kinds[1 - place]
        if isinstance(plain, exp.Literal) and kinds[place] == INT and other.name == "decimal":
            if found.parameterised and isinstance(node, exp.Div):
                why = "whether SQL Server takes the number for a parameter decides the scale of the quotient."
                raise Refused(
                    f"{node.sql('tsql')}", why, f"Write {plain.name}.0 or CAST({plain.name} AS decimal(10,0))."
                )
            kinds[place] = SqlType("decimal", max(1, len(plain.name.lstrip("0"))), 0)
    return kinds[0], kinds[1]


def _joins(left: SqlType, right: SqlType) -> bool:
    return (left.is_text or right.is_text) and combined([left, right]).is_text


def _sides(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.expression]


def _only(node: exp.Expr) -> list[exp.Expr]:
    return [node.this]


def _concatenation(left: SqlType, right: SqlType) -> Plan:
    """``+`` joins text; NULL makes NULL of it, as ``||`` does."""
    national = left.is_national or right.is_national
    sizes = [kind.length if kind.is_text else 1 for kind in (left, right)]
    length = None if None in sizes else min(sum(size or 0 for size in sizes), 4000 if national else 8000)
    kind = varchar(length, national=national)
    texts = [item if item.is_text else varchar(1) for item in (left, right)]
    converts = [converter(source, target) for source, target in zip((left, right), texts, strict=True)]
    return Plan(kind, lambda nodes: join(*[to(node) for to, node in zip(converts, nodes, strict=True)]))


def _negative(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    kind = bind_expression(node.this, scope, found)
    return remember(node, plan_negative(kind), _only)


def _bits(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    left, right = (bind_expression(side, scope, found) for side in (node.this, node.expression))
    return remember(node, plan_bits(type(node), left, right), _sides)


def _inverse(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    kind = bind_expression(node.this, scope, found)
    if not kind.is_integer:
        raise Refused("~", "it takes whole numbers alone.", "CAST the operand AS int.")
    return remember(node, Plan(kind, lambda nodes: exp.BitwiseNot(this=exp.Paren(this=nodes[0]))), _only)


def _case(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    subject, branches = node.args.get("this"), node.args["ifs"]
    default = node.args.get("default")
    for branch in branches:
        bind_expression(branch.this, scope, found)
    values = [branch.args["true"] for branch in branches] + ([default] if default is not None else [])
    for value in values:
        bind_expression(value, scope, found)
    kind, converts = unified(values, "CASE")
    mark_plain(node, *values)
    tests: list[Callable[[exp.Expr], exp.Expr]] = []
    if subject is not None:
        bind_expression(subject, scope, found)
        tests = compared([subject, *[branch.this for branch in branches]], found)

    def build(case: exp.Expr) -> exp.Expr:
        case_branches = case.args["ifs"]
        results = [item.args["true"] for item in case_branches] + (
            [case.args["default"]] if default is not None else []
        )
        settled = [to(value) for to, value in zip(converts, results, strict=True)]
        conditions = [item.this for item in case_branches]
        if tests:
            same = tests[0](case.this)
            conditions = [
                operation(exp.EQ, same.copy(), to(item)) for to, item in zip(tests[1:], conditions, strict=True)
            ]
        ifs = [exp.If(this=test, true=then) for test, then in zip(conditions, settled, strict=False)]
        return exp.Case(ifs=ifs, default=settled[-1] if default is not None else None)

    node.meta.update({TYPE: kind, BUILD: build})
    return kind


def _cast(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    converts = isinstance(node, exp.Convert)
    value, written = (node.expression, node.this) if converts else (node.this, node.args["to"])
    source = bind_expression(value, scope, found)
    target = read_type(written, default_length=30)
    if target is None:
        raise Refused(
            f"the type {written.sql('tsql')}", "scripts cannot use it.", "Use int, decimal(p,s), date, varchar(n) …"
        )
    _warn_float(node, target, found)
    attempt = isinstance(node, exp.TryCast) or bool(node.args.get("safe"))
    style = _style(node)
    if source.is_text and not attempt and style is None:
        check_constant(value, target)
    convert = converter(source, target, attempt=attempt, style=style)
    if target.is_text:
        mark_plain(node, value)
        if source == target or (source.is_text and target.length is None):
            node.meta[ORIGIN] = value.unnest().meta.get(ORIGIN)
    node.meta.update({TYPE: target, BUILD: lambda cast: convert(cast.expression if converts else cast.this)})
    return target


def _warn_float(node: exp.Expr, target: SqlType, found: Findings) -> None:
    if target.is_float:
        found.warn("float", node, f"the type {target.tsql}", INEXACT)


def _style(node: exp.Expr) -> int | None:
    style = node.args.get("style")
    if style is None:
        return None
    if not style.is_int:
        raise Refused("CONVERT", "the style has to be written out.", "Write its number.")
    return int(style.name)


def _subquery(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    from orchestration.scripts.binding.queries import bind_query  # noqa: PLC0415 - queries hold expressions, and they queries

    fields = bind_query(node, scope, found)
    if len(fields) > 1 and not isinstance(node.parent, exp.Exists) and not scope.has_unknown():
        raise Refused(f"a subquery of {len(fields)} columns", "it stands for one value.", "Select one column.")
    kind = fields[0].type if len(fields) == 1 else NULL
    node.meta.update({TYPE: kind, ORIGIN: fields[0].origin if fields else None})
    return kind


def _star(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    node.meta[TYPE] = INT
    return INT


def _constant(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    return bind_constant(node)


def _window(node: exp.Expr, scope: Scope, found: Findings) -> SqlType:
    return bind_window(node, scope, found, bind_expression)


_RULES: dict[type[exp.Expr], Bind] = {
    exp.Column: _column,
    exp.Parameter: _parameter,
    exp.Paren: _paren,
    exp.Star: _star,
    exp.Add: _binary("+"),
    exp.Sub: _binary("-"),
    exp.Mul: _binary("*"),
    exp.Div: _binary("/"),
    exp.Mod: _binary("%"),
    exp.Neg: _negative,
    exp.BitwiseAnd: _bits,
    exp.BitwiseOr: _bits,
    exp.BitwiseXor: _bits,
    exp.BitwiseNot: _inverse,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Convert: _cast,
    exp.Window: _window,
    **dict.fromkeys((exp.Literal, exp.National, exp.Null, exp.HexString), _constant),
}
