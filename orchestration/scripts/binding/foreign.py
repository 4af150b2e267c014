"""What other databases write and T-SQL does not, or not here: each by the word that stands in the script."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused
from orchestration.scripts.dialect import as_text

_LONGEST = 40
_OPERATORS: dict[type[exp.Expr], tuple[str, str, str]] = {
    exp.Collate: ("COLLATE", "text compares without case and with accents here.", "Leave it out."),
    exp.DPipe: ("||", "only the newest SQL Server joins texts with it.", "Write a + b, or CONCAT(a, b)."),
    exp.Filter: ("FILTER", "T-SQL has no FILTER.", "Write SUM(CASE WHEN … THEN x END)."),
    exp.ILike: ("ILIKE", "T-SQL has no ILIKE; LIKE is without case already.", "Write LIKE."),
    exp.Interval: ("INTERVAL", "T-SQL has no intervals.", "Write DATEADD(day, n, x)."),
}
_FUNCTIONS = {
    "CEIL": "CEILING(x)",
    "DATE_TRUNC": "DATETRUNC(month, x)",
    "EXTRACT": "DATEPART(month, x)",
    "GROUP_CONCAT": "STRING_AGG(x, ',')",
    "IF": "IIF(test, a, b)",
    "IFNULL": "ISNULL(x, y)",
    "INSTR": "CHARINDEX(part, x)",
    "LENGTH": "LEN(x)",
    "LISTAGG": "STRING_AGG(x, ',')",
    "MEDIAN": "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x) OVER (…)",
    "MOD": "a % b",
    "NOW": "@as_of",
    "NVL": "ISNULL(x, y)",
    "POW": "POWER(x, y)",
    "SUBSTR": "SUBSTRING(x, start, length)",
    "TO_CHAR": "FORMAT(x, 'yyyy-MM')",
    "TO_DATE": "CONVERT(date, x, 23)",
    "TRUNC": "ROUND(x, n, 1)",
}


def not_known(node: exp.Expr) -> Refused:
    """Return why an expression is refused that has no rule, by what the analyst wrote."""
    if type(node) in _OPERATORS:
        return Refused(*_OPERATORS[type(node)])
    if isinstance(node, exp.Boolean):
        word = "TRUE" if node.this else "FALSE"
        return Refused(word, "T-SQL has no such value.", "Write a condition such as 1 = 1; as a value, the bit 1 or 0.")
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        name = f"{node.this.sql('tsql')}.{node.expression.name}"
        return Refused(f"{name}()", "a script calls no function of a database's own.", "Write its expression here.")
    if isinstance(node, exp.Func) and (instead := own_word(node.sql_name())):
        return Refused(f"{node.sql_name()}()", "T-SQL has no such function.", instead)
    why = "it is not on the list of what gives the same result on every engine."
    return Refused(_shortened(as_text(node)), why, "See docs/analyst/differences.md.")


def own_word(function: str) -> str:
    """Return what to write instead of another database's function; empty when it is not known."""
    return f"Write {_FUNCTIONS[function]}." if function in _FUNCTIONS else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"
