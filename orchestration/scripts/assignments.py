"""Writes out what sqlglot does not parse: ``a += b`` becomes ``a = a + (b)``, ``!<`` becomes ``>=``."""

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


_DENIED = {TokenType.LT: (TokenType.GTE, ">="), TokenType.GT: (TokenType.LTE, "<=")}


def expanded(tokens: Sequence[Token]) -> list[Token]:
    """Return a statement's tokens without compound assignments and denied comparisons."""
    found = _without_denials(tokens)
    index = len(found) - 2
    while index > 0:
        if found[index].token_type in _OPERATORS and found[index + 1].token_type is TokenType.EQ:
            found = _written_out(found, index)
        index -= 1
    return found


def _without_denials(tokens: Sequence[Token]) -> list[Token]:
    """Write ``!<`` and ``!>`` as what they mean."""
    found: list[Token] = []
    for token in tokens:
        last = found[-1] if found else None
        if last is not None and last.text == "!" and last.end + 1 == token.start and token.token_type in _DENIED:
            found[-1] = _like(last, *_DENIED[token.token_type])
        else:
            found.append(token)
    return found


def _written_out(tokens: list[Token], operator: int) -> list[Token]:
    left = operator
    while left > 0 and tokens[left - 1].token_type is not TokenType.COMMA and word(tokens[left - 1]) not in _BEGINS:
        left -= 1
    target, end = tokens[left:operator], _end(tokens, operator + 2)
    opening, closing = _like(tokens[operator], TokenType.L_PAREN, "("), _like(tokens[end - 1], TokenType.R_PAREN, ")")
    value = [opening, *tokens[operator + 2 : end], closing]
    before = _of_target(tokens) if len(target) == 1 and word(tokens[0]) == "MERGE" else []
    return [*tokens[:operator], tokens[operator + 1], *before, *target, tokens[operator], *value, *tokens[end:]]


def _of_target(tokens: list[Token]) -> list[Token]:
    """Return what names the table that MERGE changes, with a point: its source may have a column of the same name."""
    using = next(n for n, token in enumerate(tokens) if word(token) == "USING")
    start = using - (2 if tokens[using - 2].text == "#" else 1)
    return [*tokens[start:using], _like(tokens[start], TokenType.DOT, ".")]


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
