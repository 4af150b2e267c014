"""Finds joins without their ON, and ON without a join: sqlglot reads the one as CROSS JOIN, and over the other."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.constructs import Advice
from orchestration.scripts.splitting import Part

_ENDS = frozenset({
    ",", "SELECT", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "UNION", "EXCEPT", "INTERSECT", "OPTION", "SET", "PIVOT",
    "UNPIVOT",
})  # fmt: skip
_WITHOUT_ON = Advice("it would pair every row with every row.", "Write ON …, or CROSS JOIN if that is meant.")
_CROSS_ON = Advice("no join before it waits for a condition.", "Write JOIN … ON, or CROSS JOIN without ON.")
_OTHERS = ("CREATE", "ALTER", "SET")


def unpaired(part: Part) -> tuple[Token, str, Advice] | None:
    """Return the first JOIN that has no ON, or ON that has no JOIN."""
    waiting: list[list[Token]] = [[]]
    for index, (token, name) in enumerate(zip(part.tokens, part.words, strict=True)):
        before = part.words[index - 1] if index else ""
        if token.token_type is TokenType.L_PAREN:
            waiting.append([])
        elif name == "JOIN" and before != "CROSS":
            waiting[-1].append(token)
        elif name == "ON" and waiting[-1]:
            waiting[-1].pop()
        elif name == "ON" and not _is_other(part, len(waiting)):
            return token, "ON without a JOIN", _CROSS_ON
        closes = token.token_type is TokenType.R_PAREN
        if (closes or name in _ENDS) and waiting[-1]:
            return waiting[-1][-1], "JOIN without ON", _WITHOUT_ON
        if closes and len(waiting) > 1:
            waiting.pop()
    left = [token for level in waiting for token in level]
    return (left[-1], "JOIN without ON", _WITHOUT_ON) if left else None


def _is_other(part: Part, depth: int) -> bool:
    """Say whether ON may be another than a join's: MERGE … USING … ON, CREATE INDEX … ON, SET NOCOUNT ON."""
    return part.words[0] in _OTHERS or (depth == 1 and "MERGE" in part.words)
