"""Differences that hide inside allowed constructs: same text, other numbers.

Each rule returns what it found and what to write instead. They follow SQL
Server's documented behaviour; DuckDB's was measured on 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.constructs import INTEGERS, MOMENTS, TEXTS, Advice
from orchestration.scripts.decimals import quotient

Finding = tuple[str, Advice]


def findings(node: exp.Expr) -> Iterator[Finding]:
    """Yield what is wrong with one node, beyond its kind."""
    rule = _RULES.get(type(node))
    if rule is not None:
        yield from rule(node)


def _division(node: exp.Expr) -> Iterator[Finding]:
    if quotient(node) is None:
        yield (
            "a division of operands without a written type",
            Advice(
                "the type decides the result: integers are cut, decimals get a scale, and DuckDB would use floats.",
                "Write CAST(a AS decimal(18,2)) / CAST(b AS decimal(18,6)).",
            ),
        )


def _product(node: exp.Expr) -> Iterator[Finding]:
    bare = [side for side in (node.this, node.expression) if isinstance(side.unnest(), exp.Sum | exp.Window)]
    if any(side.find(exp.Sum) for side in bare):
        yield (
            "a product with a SUM",
            Advice(
                "SUM is decimal(38,s), so SQL Server rounds the product to six places.",
                "Multiply first and sum then, or write CAST(SUM(x) AS decimal(18,2)) * y.",
            ),
        )


def _sum_of_texts(node: exp.Expr) -> Iterator[Finding]:
    if any(side.unnest().is_string or isinstance(side.unnest(), exp.National) for side in (node.this, node.expression)):
        advice = Advice("whether + adds or joins depends on the types.", "Write CONCAT(a, b).")
        yield "text joined with +", advice


def _cast(node: exp.Expr) -> Iterator[Finding]:
    kind, written = node.args["to"], node.args["to"].sql("tsql")
    sized = bool(kind.expressions)
    if kind.this in INTEGERS and (isinstance(node, exp.TryCast) or node.this.is_string):
        advice = Advice(
            "SQL Server takes no text with a point for an integer, DuckDB rounds it.", "Cast to decimal(p,s)."
        )
        yield f"text as {written}", advice
    elif kind.this is exp.DataType.Type.DECIMAL and len(kind.expressions) != 2:
        yield f"{written} without precision and scale", Advice("engines differ in the default.", "Write decimal(18,2).")
    elif kind.this in TEXTS and not sized:
        yield f"{written} without a length", Advice("SQL Server cuts it to 30 characters.", "Write varchar(100).")
    elif kind.this not in {*INTEGERS, *TEXTS, *MOMENTS, exp.DataType.Type.DECIMAL}:
        yield (
            f"the type {written}",
            Advice(
                "its values differ by engine.",
                "Use int, bigint, decimal(p,s), date, datetime2, varchar(n) or nvarchar(n).",
            ),
        )


def _round(node: exp.Expr) -> Iterator[Finding]:
    places = node.args.get("decimals")
    if node.args.get("truncate") is not None or places is None or not places.is_int or places.sql().startswith("-"):
        yield (
            "ROUND in this form",
            Advice("only ROUND(x, n) with n from 0 is the same everywhere.", "Write ROUND(x, 2), or FLOOR(x)."),
        )


def _coalesce(node: exp.Expr) -> Iterator[Finding]:
    fallback = node.expressions[0] if node.expressions else None
    if node.args.get("is_null") and fallback is not None and not (fallback.is_int or isinstance(fallback, exp.Column)):
        yield "ISNULL", Advice("it forces the first operand's type on the second.", "Write COALESCE(x, y).")


def _like(node: exp.Expr) -> Iterator[Finding]:
    pattern = node.expression
    if not pattern.is_string or "[" in pattern.name:
        advice = Advice("character classes ([A-Z]) are not translated.", "Use % and _ in a literal, or UPPER and LEFT.")
        yield "this LIKE pattern", advice


def _group(node: exp.Expr) -> Iterator[Finding]:
    for name in ("rollup", "cube", "grouping_sets", "totals", "all"):
        if node.args.get(name):
            advice = Advice("grouping sets are not translated.", "Group in one CTE for each level and UNION ALL them.")
            yield f"GROUP BY {name.upper()}", advice


def _star(node: exp.Expr) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Count | exp.Exists):
        yield "SELECT *", Advice("a new column of a source would change the table.", "Name the columns.")


def _column(node: exp.Expr) -> Iterator[Finding]:
    if node.args.get("db"):
        advice = Advice("tables are shown under another name here.", "Give the table an alias: FROM silver.x AS x.")
        yield f"column {node.sql('tsql')} with a schema", advice
    if node.name.lower() == "_tenant_id":
        yield "_tenant_id", Advice("a script sees one tenant's rows alone.", "Leave it out; the platform adds it.")


def _option(node: exp.Expr) -> Iterator[Finding]:
    if node.name.upper() != "MAXRECURSION":
        yield f"OPTION ({node.name})", Advice("query hints mean nothing here.", "Leave it out.")


_RULES = {
    exp.Div: _division,
    exp.Mul: _product,
    exp.Add: _sum_of_texts,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Round: _round,
    exp.Coalesce: _coalesce,
    exp.Like: _like,
    exp.Group: _group,
    exp.Star: _star,
    exp.Column: _column,
    exp.QueryOption: _option,
}
