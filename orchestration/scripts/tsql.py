"""A script's text for a T-SQL server: the analyst's, byte for byte, but for two things.

The schema of the tables of finance that a close builds becomes the schema where it builds them, at the very
tokens that name them; and behind the DECLARE of ``@as_of``, in the same line, the platform sets it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import batches, split, tokenize, word

_STRINGS = (TokenType.STRING, TokenType.NATIONAL_STRING)
_MAKERS = ("INTO", "TABLE", "VIEW")
_NAME = re.compile(
    rf"(?P<before>[^\w]*)(?P<schema>{FINANCE})(?P<between>[\]\"]?\.[\[\"]?)(?P<table>[^\]\"']+)", re.IGNORECASE
)


@dataclass(frozen=True)
class Batch:
    """What is sent to the server at once; ``first_line`` is its line in the script, from 1."""

    first_line: int
    text: str


@dataclass(frozen=True)
class Edit:
    """One replacement: the text's characters from ``start`` up to ``end`` become ``text``."""

    start: int
    end: int
    text: str


def as_written(
    script: Script, finance_tables: Collection[Table], as_of: date, schema: str = FINANCE_WORK
) -> list[Batch]:
    """Return a script's batches for the server; ``finance_tables`` are those that the close builds in ``schema``."""
    tokens = tokenize(script.text)
    changes = edits(script, finance_tables, as_of, schema)
    found: list[Batch] = []
    line = 1
    for batch in batches(tokens):
        end = script.place(batch.go[0].start)[0] if batch.go else len(script.text) + 1
        if batch.tokens:
            span = (script.line_start(line), script.line_start(end))
            found.append(Batch(line, _edited(script.text, span, changes)))
        line = end + 1
    return found


def edits(script: Script, finance_tables: Collection[Table], as_of: date, schema: str = FINANCE_WORK) -> list[Edit]:
    """Return all that differs from the analyst's text, in its order."""
    tokens = tokenize(script.text)
    names = {*(name for _, name in finance_tables), *_made(tokens)}
    found = [*_schemas(script.text, tokens, names, schema), *_asked(script.text, tokens, names, schema)]
    for part in split(tokens):
        if part.words[0] == "DECLARE" and _declares_as_of(part.tokens):
            end = part.tokens[-1].end + 1
            follows = next((token for token in tokens if token.start >= end), None)
            closed = follows is not None and follows.token_type is TokenType.SEMICOLON
            place = follows.end + 1 if follows is not None and closed else end
            found.append(Edit(place, place, f"{'' if closed else ';'} SET @as_of = '{as_of.isoformat()}';"))
    return sorted(found, key=lambda edit: edit.start)


def _made(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the tables of finance that a script makes, those too that it drops again and no close keeps."""
    for index, token in enumerate(tokens[:-3]):
        schema, dot, table = tokens[index + 1 : index + 4]
        if word(token) in _MAKERS and schema.text.lower() == FINANCE and dot.token_type is TokenType.DOT:
            yield table.text.lower()


def _schemas(text: str, tokens: Sequence[Token], names: Collection[str], schema: str) -> Iterator[Edit]:
    """Yield the edits of ``finance`` where it is a table's schema."""
    for index, token in enumerate(tokens[:-2]):
        dotted = tokens[index + 1].token_type is TokenType.DOT and tokens[index - 1].token_type is not TokenType.DOT
        if dotted and token.text.lower() == FINANCE and tokens[index + 2].text.lower() in names:
            written = text[token.start : token.end + 1]
            yield Edit(token.start, token.end + 1, written.lower().replace(FINANCE, schema))


def _asked(text: str, tokens: Sequence[Token], names: Collection[str], schema: str) -> Iterator[Edit]:
    """Yield the edits of ``finance`` in the text that OBJECT_ID asks for."""
    for index, token in enumerate(tokens[:-2]):
        asked = tokens[index + 2]
        if word(token) != "OBJECT_ID" or asked.token_type not in _STRINGS:
            continue
        match = _NAME.search(text, asked.start, asked.end + 1)
        if match and match["table"].lower() in names:
            yield Edit(match.start("schema"), match.end("schema"), schema)


def _declares_as_of(tokens: Sequence[Token]) -> bool:
    """Say whether a DECLARE declares ``@as_of``, and does not only use it."""
    depth = 0
    for index, token in enumerate(tokens[:-1]):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0 and token.token_type is TokenType.PARAMETER and word(tokens[index + 1]) == "AS_OF":
            return index == 1 or tokens[index - 1].token_type is TokenType.COMMA
    return False


def _edited(text: str, span: tuple[int, int], changes: Sequence[Edit]) -> str:
    start, end = span
    parts: list[str] = []
    for edit in changes:
        if start <= edit.start and edit.end <= end:
            parts += [text[start : edit.start], edit.text]
            start = edit.end
    return "".join([*parts, text[start:end]])
