"""Finds, by their words, clauses that no script may have, and items of a list with no comma between them."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.constructs import Advice
from orchestration.scripts.splitting import Part

_AGGREGATE = "Write STRING_AGG(x, ', ') WITHIN GROUP (ORDER BY …)"
_FOR = {
    "XML": Advice("every engine writes markup in its own way.", f"{_AGGREGATE}, in place of STUFF too."),
    "JSON": Advice("every engine writes documents in its own way.", f"Select the columns. For a list: {_AGGREGATE}."),
}
_WINDOW = Advice("SQL Server knows it from 2022 on, and scripts do not.", "Write the window in each OVER (…).")
_LISTS = ("SELECT", "GROUP BY", "ORDER BY", "PARTITION BY", "DISTINCT")
_CLAUSES = frozenset({*_LISTS, "FROM", "WHERE", "HAVING", "ON", "SET", "VALUES", "INTO", "WITH", "WHEN"})
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_VALUES = (*_NAMES, TokenType.NUMBER, TokenType.STRING, TokenType.R_PAREN, TokenType.END)


def refused_clause(part: Part) -> tuple[Token, str, Advice] | None:
    """Return the first ``FOR XML``, ``FOR JSON`` or ``WINDOW`` of a statement."""
    words = (*part.words, "", "", "")
    for index, token in enumerate(part.tokens):
        if words[index] == "FOR" and words[index + 1] in _FOR:
            return token, f"FOR {words[index + 1]}", _FOR[words[index + 1]]
        if words[index] == "WINDOW" and words[index + 2 : index + 4] == ("AS", "("):
            return token, "WINDOW", _WINDOW
    return None


def unparted(part: Part, start: int) -> Token | None:
    """Return the item of a list before which a comma may be missing; ``start`` is where parsing came to an end."""
    index = next((index for index, token in enumerate(part.tokens) if token.start >= start), 0)
    index -= part.words[index] in (".", "(")
    if index < 1 or part.tokens[index].token_type not in _NAMES or part.tokens[index - 1].token_type not in _VALUES:
        return None
    return part.tokens[index] if _is_listed(part, index) else None


def _is_listed(part: Part, index: int) -> bool:
    """Say whether a token stands in a list of expressions, of a SELECT or an order."""
    depth = 0
    for word in reversed(part.words[:index]):
        depth += (word in (")", "END")) - (word in ("(", "CASE"))
        if depth < 0:
            return False
        if depth == 0 and word in _CLAUSES:
            return word in _LISTS
    return False
