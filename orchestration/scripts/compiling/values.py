"""Values on their way into columns and variables: how many there are, and into which type each is converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from orchestration.scripts.actions import Layout, Rule, Values
from orchestration.scripts.binding.comparisons import check_constant
from orchestration.scripts.binding.plan import Refused, type_of
from orchestration.scripts.compiling.compilation import Compilation
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import parse_text
from orchestration.scripts.statements import Statement
from orchestration.scripts.tables import Name
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.types import SqlType


def bracketed(name: str) -> str:
    """Write a name so that T-SQL takes it as it is."""
    return "[" + name.replace("]", "]]") + "]"


def table_text(name: Name) -> str:
    """Write a table's name as T-SQL."""
    return name if isinstance(name, str) else ".".join(bracketed(part) for part in name)


def values_for(c: Compilation, statement: Statement, query: exp.Query, columns: Mapping[str, SqlType]) -> Values:
    """Bind a query whose outputs become, in order, values of columns or variables.

    Raises:
        Stopped: it cannot be bound, gives too many or too few values, or a value cannot become a column's.
    """
    fields = c.bind(statement, query)
    kinds = [_kind(query, number, field.type) for number, field in enumerate(fields)]
    if len(kinds) != len(columns):
        what = f"{len(kinds)} values for {len(columns)} columns"
        raise c.stop(statement, what, Advice("each column takes one value.", f"Name {', '.join(columns)}, or others."))
    for written, wanted in _written(query, list(columns.values())):
        try:
            check_constant(written, wanted)
        except Refused as refused:
            raise c.stop(statement, refused.what, refused.advice, written) from None
    for kind, (column, wanted) in zip(kinds, columns.items(), strict=True):
        if _clash(kind, wanted):
            advice = Advice(f"SQL Server does not turn {kind.tsql} into {wanted.tsql} by itself.", "Write CONVERT.")
            raise c.stop(statement, f"{kind.tsql} for {column} {wanted.tsql}", advice)
        try:
            converter(kind, wanted)
        except Refused as refused:
            raise c.stop(statement, f"{column}: {refused.what}", refused.advice) from None
    return Values(query, tuple(columns), kinds, list(columns.values()))


def _written(query: exp.Query, kinds: list[SqlType]) -> Iterator[tuple[exp.Expr, SqlType]]:
    """Yield the texts that are written out as values, each with the type that it has to become."""
    for value, kind in zip(query.expressions if isinstance(query, exp.Select) else [], kinds, strict=False):
        plain = value.unalias()
        if type_of(plain).is_text:
            yield plain, kind


def _kind(query: exp.Query, number: int, kind: SqlType) -> SqlType:
    """Return a value's type: that of a NULL which is written out is ``null``, not int."""
    written = type_of(query.expressions[number]) if isinstance(query, exp.Select) else kind
    return written if written.name == "null" else kind


def rules_of(c: Compilation, statement: Statement, target: Name, layout: Layout) -> list[Rule]:
    """Return what must hold of a table after each statement that changes it."""
    table = table_text(target)
    texts = [
        (
            f"column {column} is NULL, which it may not be",
            f"SELECT {bracketed(column)} FROM {table} WHERE {bracketed(column)} IS NULL",
        )
        for column in layout.required
    ]
    for key in layout.unique:
        names = ", ".join(bracketed(column) for column in key)
        having = f"SELECT {names} FROM {table} GROUP BY {names} HAVING COUNT(*) > 1"
        texts.append((f"{', '.join(key)} twice the same", having))
    rules = [(broken, parse_text(text)) for broken, text in texts]
    for condition in layout.checks:
        select = parse_text(f"SELECT 1 AS [broken] FROM {table}")
        select.set("where", exp.Where(this=exp.Not(this=exp.Paren(this=condition.copy()))))
        rules.append((f"CHECK ({condition.sql('tsql')})", select))
    queries = [(broken, query) for broken, query in rules if isinstance(query, exp.Query)]
    return [Rule(broken, query, c.bound(statement, query).assumptions) for broken, query in queries]


def _clash(kind: SqlType, wanted: SqlType) -> bool:
    """Say whether SQL Server refuses to convert one type to another unless it is asked to."""
    day = ("date", "time", "datetime2", "datetimeoffset")
    numbers = kind.is_number or kind.name == "bit", wanted.is_number or wanted.name == "bit"
    if (numbers[0] and wanted.name in day) or (numbers[1] and kind.name in day):
        return True
    return (numbers[1] and kind.name in ("datetime", "smalldatetime")) or {kind.name, wanted.name} == {"date", "time"}
