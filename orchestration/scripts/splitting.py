"""Splits a script's tokens into batches and statements, with or without semicolons.

T-SQL's statements begin with reserved words, and nobody can use such a word as a name without brackets.
So a reserved word outside parentheses and outside CASE … END begins a statement, unless what stands
before it shows that it goes on: a set operation, the source of an INSERT, the verb after a CTE, the SET of
an UPDATE, an action of a MERGE. ``GO`` belongs to the client, not to T-SQL: it ends a batch where it stands
first in its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from sqlglot.dialects.tsql import TSQL
from sqlglot.tokenizer_core import Token, TokenType

STARTERS = frozenset({
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "CREATE", "ALTER", "DROP", "TRUNCATE", "DECLARE",
    "SET", "IF", "ELSE", "WHILE", "BEGIN", "END", "EXEC", "EXECUTE", "PRINT", "RAISERROR", "RETURN", "USE",
    "GRANT", "REVOKE", "DENY", "COMMIT", "ROLLBACK", "SAVE", "OPEN", "FETCH", "CLOSE", "DEALLOCATE", "WAITFOR",
    "GOTO", "BREAK", "CONTINUE", "BACKUP", "RESTORE", "DBCC", "KILL", "BULK", "CHECKPOINT", "RECONFIGURE",
    "REVERT", "SHUTDOWN", "READTEXT", "UPDATE STATISTICS", "WRITETEXT", "UPDATETEXT", "SETUSER",
})  # fmt: skip
"""The reserved words that a statement may begin with."""
_VERBS = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"))
_MODULES = frozenset(("PROC", "PROCEDURE", "FUNCTION", "TRIGGER"))
_TEXT = frozenset((TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER))


class _Tokenizer(TSQL.Tokenizer):
    """sqlglot would read all behind GO and PRINT, up to a semicolon, as one text."""

    COMMANDS: ClassVar[set[TokenType]] = set()


def tokenize(text: str) -> list[Token]:
    """Return the tokens of T-SQL; raises sqlglot's TokenError for a quote, bracket or comment left open."""
    return list(_Tokenizer(dialect="tsql").tokenize(text))


def word(token: Token) -> str:
    """Return a token as an upper-case word; empty for what is quoted, so that it is never taken for a keyword."""
    return "" if token.token_type in _TEXT else str(token.text).upper()


@dataclass(frozen=True)
class Part:
    """One statement's tokens; ``closed`` says that it is the first of its batch or follows a semicolon.

    ``ended`` says that a semicolon follows it.
    """

    tokens: tuple[Token, ...]
    batch: int
    closed: bool
    ended: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The statement's words in upper case, quoted ones empty."""
        return tuple(word(token) for token in self.tokens)


@dataclass(frozen=True)
class TokenBatch:
    """The tokens between two lines of GO; ``go`` are the tokens of the line that ends it."""

    tokens: tuple[Token, ...]
    go: tuple[Token, ...] = ()


def batches(tokens: list[Token]) -> list[TokenBatch]:
    """Split at each GO that stands first in its line."""
    found: list[TokenBatch] = []
    current: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        first = index == 0 or tokens[index - 1].line < token.line
        if not first or word(token) != "GO":
            current.append(token)
            index += 1
            continue
        end = index
        while end < len(tokens) and tokens[end].line == token.line:
            end += 1
        found.append(TokenBatch(tuple(current), tuple(tokens[index:end])))
        current, index = [], end
    return [*found, TokenBatch(tuple(current))]


def split(tokens: list[Token]) -> Iterator[Part]:
    """Yield the statements of every batch, in order."""
    for number, batch in enumerate(batches(tokens)):
        yield from _Batch(batch.tokens, number).parts()


class _Batch:
    """The state of splitting one batch."""

    def __init__(self, tokens: tuple[Token, ...], number: int) -> None:
        self._tokens, self._number = tokens, number
        self._words = [word(token) for token in tokens]
        self._begin(0)

    def _begin(self, start: int) -> None:
        """Begin a statement: what it awaits follows from its first word."""
        self._start, self._depth, self._cases = start, 0, 0
        first = self._words[start] if start < len(self._words) else ""
        second = self._words[start + 1] if start + 1 < len(self._words) else ""
        self._verb = first
        self._awaits = {"WITH": _VERBS, "INSERT": frozenset(("SELECT", "EXEC", "EXECUTE"))}.get(first, frozenset())
        if first == "UPDATE":
            self._awaits = frozenset(("SET",))
        elif first == "IF":
            self._awaits = frozenset(("DROP",))
        elif first in ("CREATE", "ALTER"):
            kind = self._words[start + 3] if second == "OR" and start + 3 < len(self._words) else second
            self._verb = kind
            self._awaits = frozenset(("SELECT", "WITH")) if kind == "VIEW" else frozenset()

    def parts(self) -> Iterator[Part]:
        closed = True
        for index, token in enumerate(self._tokens):
            semicolon = token.token_type is TokenType.SEMICOLON and self._verb not in _MODULES
            if semicolon or (index > self._start and self._starts(index)):
                if index > self._start:
                    yield Part(self._tokens[self._start : index], self._number, closed, semicolon)
                closed = semicolon
                self._begin(index + 1 if semicolon else index)
            if not semicolon:
                self._nest(index)
        if self._start < len(self._tokens):
            yield Part(self._tokens[self._start :], self._number, closed)

    def _nest(self, index: int) -> None:
        kind, name = self._tokens[index].token_type, self._words[index]
        if kind is TokenType.L_PAREN:
            self._depth += 1
        elif kind is TokenType.R_PAREN:
            self._depth = max(0, self._depth - 1)
        elif name == "CASE":
            self._cases += 1
        elif name == "END" and self._cases:
            self._cases -= 1
        elif self._depth == 0 and name == "VALUES" and self._verb == "INSERT":
            self._awaits = frozenset()

    def _starts(self, index: int) -> bool:
        """Say whether a word begins a new statement."""
        name = self._words[index]
        if name not in STARTERS or self._depth or self._cases or self._verb in _MODULES:
            return False
        if name in self._awaits:
            self._take(name)
            return False
        return not self._goes_on(index, name)

    def _take(self, name: str) -> None:
        """Go on in the same statement with the word that it awaited."""
        if name == "WITH":
            self._awaits = frozenset(("SELECT",))
            return
        insert = name == "INSERT" and self._verb == "WITH"
        update = name == "UPDATE" and self._verb == "WITH"
        self._verb = name if self._verb == "WITH" else self._verb
        self._awaits = frozenset(("SELECT",)) if insert else frozenset(("SET",)) if update else frozenset()

    def _goes_on(self, index: int, name: str) -> bool:
        before = self._words[index - 1]
        earlier = self._words[index - 2] if index - 2 >= self._start else ""
        after = self._words[index + 1] if index + 1 < len(self._words) else ""
        rules = {
            "SELECT": before in ("UNION", "EXCEPT", "INTERSECT", "FOR") or (before == "ALL" and earlier == "UNION"),
            "WITH": not self._is_cte(index) or (self._verb == "VIEW" and "SELECT" in self._awaits),
            "IF": self._verb == "DROP" and index == self._start + 2,
            "ALTER": before == "OR",
            "DROP": self._verb == "TABLE" and self._words[self._start] == "ALTER",
            "SET": before == "UPDATE",
            "MERGE": after == "JOIN",
            "FETCH": before in ("ROW", "ROWS"),
        }
        if name in ("INSERT", "UPDATE", "DELETE"):
            return before in ("THEN", "FOR")
        return self._tokens[index - 1].token_type is TokenType.DOT or rules.get(name, False)

    def _is_cte(self, index: int) -> bool:
        """Tell ``WITH name [(…)] AS (`` from WITH (hint), WITH TIES and the like."""
        if index + 2 >= len(self._tokens) or self._tokens[index + 1].token_type is TokenType.L_PAREN:
            return False
        return self._words[index + 2] == "AS" or self._tokens[index + 2].token_type is TokenType.L_PAREN
