"""How values get into tables: under which names a query gives them, and in which type they are kept."""

from __future__ import annotations

from sqlglot import exp

from orchestration.names import quote
from orchestration.scripts.actions import Values
from orchestration.scripts.translation import text
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.types import Columns, SqlType


def names(count: int) -> str:
    """List the names that the outputs of a query get: c0, c1 …."""
    return ", ".join(f'"c{number}"' for number in range(count))


def stored(query: str, columns: Columns) -> str:
    """Give a query's results the names and the types that their table keeps."""
    items = (f'CAST("c{n}" AS {kind.duckdb}) AS {quote(name)}' for n, (name, kind) in enumerate(columns.items()))
    return f"SELECT {', '.join(items)} FROM ({query}) AS q({names(len(columns))})"


def converted(values: Values) -> list[str]:
    """Return the values of a table ``v`` in their columns' types; text that is too long is an error, not cut."""
    pairs = enumerate(zip(values.kinds, values.wanted, strict=True))
    return [
        f"CAST({text(_converted(kind, wanted, number, values.columns[number]))} AS {wanted.duckdb})"
        for number, (kind, wanted) in pairs
    ]


def _converted(kind: SqlType, wanted: SqlType, number: int, column: str) -> exp.Expr:
    value = exp.column(f"c{number}", table="v", quoted=True)
    if kind.name == "null":
        return exp.Null()
    if not (kind.is_text and wanted.is_text and _is_longer(kind, wanted)):
        return converter(kind, wanted)(value)
    limits = [exp.Literal.number(wanted.length), exp.Literal.string(column)]
    checked = exp.Anonymous(this="strata_stored", expressions=[value, *limits])
    return converter(SqlType(kind.name, length=wanted.length), wanted)(checked)


def _is_longer(kind: SqlType, wanted: SqlType) -> bool:
    return wanted.length is not None and (kind.length is None or kind.length > wanted.length)
