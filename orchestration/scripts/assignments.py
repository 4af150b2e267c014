"""Writes compound assignments out (``a += b`` becomes ``a = a + (b)``), which sqlglot does not parse."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.splitting import word

_OPERATORS = frozenset((
    TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH, TokenType.MOD, TokenType.AMP, TokenType.PIPE,
    TokenType.CARET,
))  # fmt: skip
_ENDS = frozenset(("FROM", "WHERE", "OUTPUT", "OPTION", "WHEN", "UNION", "GROUP", "ORDER", "HAVING", "INTO"))
_BEGINS = frozenset(("SET", "SELECT", "DISTINCT"))


def expanded(tokens: Sequence[Token]) -> list[Token]:
    """Return a statement's tokens without compound assignments."""
    found = list(tokens)
    index = len(found) - 2
    while index > 0:
        if found[index].token_type in _OPERATORS and found[index + 1].token_type is TokenType.EQ:
            found = _written_out(found, index)
        index -= 1
    return found


def _written_out(tokens: list[Token], operator: int) -> list[Token]:
    left = operator
    while left > 0 and tokens[left - 1].token_type is not TokenType.COMMA and word(tokens[left - 1]) not in _BEGINS:
        left -= 1
    target, end = tokens[left:operator], _end(tokens, operator + 2)
    opening, closing = _like(tokens[operator], TokenType.L_PAREN, "("), _like(tokens[end - 1], TokenType.R_PAREN, ")")
    value = [opening, *tokens[operator + 2 : end], closing]
    return [*tokens[:operator], tokens[operator + 1], *target, tokens[operator], *value, *tokens[end:]]


def _end(tokens: list[Token], start: int) -> int:
    """Return where the assigned expression ends."""
    depth = 0
    for index in range(start, len(tokens)):
        kind, name = tokens[index].token_type, word(tokens[index])
        if depth == 0 and (kind is TokenType.COMMA or name in _ENDS):
            return index
        depth += (kind is TokenType.L_PAREN or name == "CASE") - (kind is TokenType.R_PAREN or name == "END")
    return len(tokens)


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])
