"""Finds the commas of a statement with nothing before or behind them: sqlglot reads over them, SQL Server does not."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token

from orchestration.scripts.splitting import Part

_BEFORE = frozenset({
    "(", ",", "SELECT", "DISTINCT", "FROM", "WHERE", "INTO", "GROUP BY", "ORDER BY", "PARTITION BY", "SET", "VALUES",
    "DECLARE", "WITH", "ON", "THEN", "ELSE", "WHEN", "IN", "AND", "OR", "NOT",
})  # fmt: skip
_BEHIND = frozenset({
    ")", ",", "INTO", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "UNION", "EXCEPT", "INTERSECT", "OPTION",
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "JOIN", "INNER", "CROSS", "OUTER", "FULL", "ON", "WHEN", "THEN",
    "ELSE", "END", "AS", "VALUES", "SET", "AND", "OR",
})  # fmt: skip


def dangling_comma(part: Part) -> Token | None:
    """Return the first comma of a statement that parts nothing.

    SQL Server itself takes one comma too many: the last of a list of columns, in CREATE TABLE and DECLARE @t TABLE.
    """
    words = part.words
    listed = words[:2] == ("CREATE", "TABLE") or (words[0] == "DECLARE" and "TABLE" in words)
    for index, name in enumerate(words):
        if name != ",":
            continue
        before = words[index - 1] if index else ","
        behind = words[index + 1] if index + 1 < len(words) else ","
        closes = listed and behind == ")" and index + 2 == len(words)
        if before in _BEFORE or (behind in _BEHIND and not closes):
            return part.tokens[index]
    return None
