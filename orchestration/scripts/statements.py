"""Splits a script into statements by tokens and parses each of them.

Splitting by tokens keeps line numbers and lets one unparseable statement be
reported at its place. sqlglot's fall-back, ``exp.Command``, is an error here: it
means that the statement was not understood at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.constructs import STATEMENTS, Advice
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script

_TSQL = Dialect.get_or_raise("tsql")
_SEMICOLONS = Advice("", "End every statement with a semicolon, and see that each is complete.")


@dataclass(frozen=True)
class Statement:
    """One parsed statement and where it begins."""

    tree: exp.Expr
    place: tuple[int, int]
    words: tuple[str, ...]

    @property
    def keyword(self) -> str:
        """The statement's first word."""
        return self.words[0]


def parse(script: Script) -> tuple[list[Statement], list[Problem]]:
    """Parse every statement; those that cannot be parsed become problems."""
    try:
        tokens = _TSQL.tokenize(script.text)
    except TokenError as error:
        problem = Problem(script.path, 1, 1, "unreadable text", f"{error}.", "Close every quote, bracket and comment.")
        return [], [problem]
    statements: list[Statement] = []
    problems: list[Problem] = []
    for part in _split(tokens):
        parsed = _parse_one(script, part)
        statements.append(parsed) if isinstance(parsed, Statement) else problems.append(parsed)
    return statements, problems


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            part.append(token)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _parse_one(script: Script, part: list[Token]) -> Statement | Problem:
    first, keyword = part[0], part[0].text.upper()
    if keyword in STATEMENTS:
        return _refused(script, first, keyword, STATEMENTS[keyword])
    try:
        trees = _TSQL.parser(error_level=ErrorLevel.RAISE).parse(part, script.text)
    except ParseError as error:
        return _unparsed(script, first, error)
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or tree.find(exp.Command):
        return _refused(script, first, keyword, _SEMICOLONS)
    return Statement(tree, script.place(first.start), tuple(token.text.upper() for token in part))


def _refused(script: Script, token: Token, what: str, advice: Advice) -> Problem:
    why = advice.why or "this statement is not understood."
    return Problem(script.path, *script.place(token.start), what, why, advice.instead)


def _unparsed(script: Script, first: Token, error: ParseError) -> Problem:
    finding = error.errors[0] if error.errors else {}
    near = str(finding.get("highlight") or first.text)
    line, column = script.place(first.start)
    if finding.get("line"):
        line, column = finding["line"], max(1, finding["col"] - len(near) + 1)
    why = f"the statement that begins in line {first.line} cannot be parsed here ({finding.get('description', error)})."
    return Problem(script.path, line, column, f"near {near!r}", why, _SEMICOLONS.instead)
