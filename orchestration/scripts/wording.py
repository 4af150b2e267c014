"""Names constructs as the analyst wrote them: the parser's own names (CURRENTTIMESTAMP) are nobody's words."""

from __future__ import annotations

import re

from sqlglot import exp

_WORDS: dict[type[exp.Expr], str] = {
    exp.CurrentTimestamp: "CURRENT_TIMESTAMP",  # without a place: GETDATE(), its other form, has one
    exp.Lateral: "APPLY",
    exp.WithTableHint: "WITH (…)",
    exp.ForClause: "FOR",
    exp.GroupingSets: "GROUPING SETS",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Collate: "COLLATE",
    exp.Mod: "%",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
    exp.BitwiseNot: "~",
    exp.DPipe: "||",
}
_FIRST_WORD = re.compile(r"[A-Z_]+")


def as_written(node: exp.Expr, text: str) -> str:
    """Return a function's name from the script's ``text``, anything else by T-SQL's word for it, in capitals."""
    if isinstance(node, exp.Func) and "start" in node.meta:
        start, end = node.meta["start"], node.meta["end"] + 1
        return f"{text[start:end]}{'()' if text.startswith('()', end) else ''}".upper()
    if node.meta.get("top"):
        return "TOP"
    word = _FIRST_WORD.match(node.sql("tsql")) if isinstance(node, exp.Func) else None
    return _WORDS.get(type(node)) or (word[0] if word else node.key.upper())
