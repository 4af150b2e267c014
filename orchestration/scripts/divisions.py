"""Finds the divisions of a statement as they were written, to say of which a division by zero may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.source import Script
from orchestration.scripts.splitting import split, tokenize, word

_LONGEST = 60
_MOST = 4
_DIVIDES = (TokenType.SLASH, TokenType.MOD)
_SIGNS = (TokenType.DASH, TokenType.PLUS)
Written = tuple[tuple[int, int], str]
"""Where an expression stands, and its text in one line."""


def division_by_zero(script: Script, statement: tuple[int, int]) -> tuple[tuple[int, int], str]:
    """Return where a statement divides by zero, and what to say: of several divisions, it is one of those listed."""
    found = list(_divisions(script, statement))
    if len(found) == 1:
        place, text = found[0]
        return place, f"a division by zero: {text}"
    return one_of(found, statement, "a division by zero")


def one_of(found: Sequence[Written], statement: tuple[int, int], said: str) -> Written:
    """Return where and how to say what is wrong with one of several expressions; at the only one's own place."""
    listed = "; ".join(f"{line}:{column} {text}" for (line, column), text in found[:_MOST])
    more = f"; {len(found) - _MOST} more" if len(found) > _MOST else ""
    place = found[0][0] if len(found) == 1 else statement
    return place, f"{said}, in one of these: {listed}{more}" if found else said


def written(script: Script, first: Token, last: Token) -> Written:
    """Return the place of an expression, and its text from its first to its last token, cut where it is long."""
    text = " ".join(script.text[first.start : last.end + 1].split())
    return script.place(first.start), text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"


def _divisions(script: Script, statement: tuple[int, int]) -> Iterator[Written]:
    """Yield each division's place and its text."""
    for part in split(tokenize(script.text)):
        if script.place(part.tokens[0].start) != statement:
            continue
        for index, token in enumerate(part.tokens):
            if token.token_type in _DIVIDES and 0 < index < len(part.tokens) - 1:
                first, last = _left(part.tokens, index - 1), _right(part.tokens, index + 1)
                yield written(script, part.tokens[first], part.tokens[last])


def _left(tokens: Sequence[Token], index: int) -> int:
    """Return where the operand begins that ends with a token."""
    kind = tokens[index].token_type
    if kind is TokenType.R_PAREN or word(tokens[index]) == "END":
        index = mate(tokens, index, -1)
    while index > 0 and (
        tokens[index - 1].token_type in (TokenType.DOT, TokenType.PARAMETER)
        or tokens[index].token_type is TokenType.DOT
        or (tokens[index].token_type is TokenType.L_PAREN and _is_name(tokens[index - 1]))
    ):
        index -= 1
    return index


def _right(tokens: Sequence[Token], index: int) -> int:
    """Return where the operand ends that begins with a token."""
    last = len(tokens) - 1
    while index < last and tokens[index].token_type in (*_SIGNS, TokenType.PARAMETER):
        index += 1
    while index + 2 <= last and tokens[index + 1].token_type is TokenType.DOT:
        index += 2
    if index < last and _is_name(tokens[index]) and tokens[index + 1].token_type is TokenType.L_PAREN:
        index += 1
    opens = tokens[index].token_type is TokenType.L_PAREN or word(tokens[index]) == "CASE"
    return mate(tokens, index, 1) if opens else index


def mate(tokens: Sequence[Token], index: int, step: int) -> int:
    """Return the token that closes, or opens, what a parenthesis, CASE or END opens, or closes."""
    depth = 0
    while 0 <= index < len(tokens):
        kind, name = tokens[index].token_type, word(tokens[index])
        depth += (kind is TokenType.L_PAREN or name == "CASE") - (kind is TokenType.R_PAREN or name == "END")
        if depth == 0:
            return index
        index += step
    return index - step


def _is_name(token: Token) -> bool:
    """Say whether a token in front of a parenthesis is a function's name."""
    name = word(token)
    return name.replace("_", "a").isalnum() and name not in ("SELECT", "THEN", "ELSE", "WHEN", "IN", "AND", "OR", "AS")
