"""A script's text for a T-SQL server: the analyst's, byte for byte, but for two things.

The schema of the tables of finance that a close builds becomes the schema where it builds them, at the very
tokens that name them, as does the schema of tables that it reads through views of one tenant's rows; and behind
the DECLARE of ``@as_of``, in the same line, the platform sets it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import batches, split, tokenize, word

PLACE = "strata_place"
"""What a session's context has of the statement that runs, where statements are marked."""
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


@dataclass(frozen=True)
class Placing:
    """Where the tables lie that a script names: those of finance that are built lie in ``schema``.

    ``viewed`` are seen through views of their own names, in schemas that :func:`view_schema` names.
    """

    built: Collection[Table]
    viewed: Collection[Table] = ()
    schema: str = FINANCE_WORK


def view_schema(work_schema: str, schema: str) -> str:
    """Return where the views lie through which scripts see a schema's tables."""
    return f"{work_schema}_{schema}"


def as_written(script: Script, placing: Placing, as_of: date, *, is_marked: bool = False) -> list[Batch]:
    """Return a script's batches for the server.

    ``is_marked``: each statement notes its place (``line:column``) in the session's context before it runs, as
    :data:`PLACE`, so that of a script that fails the statement is known.
    """
    tokens = tokenize(script.text)
    changes = edits(script, placing, as_of)
    if is_marked:
        changes = sorted([*changes, *_marks(script, tokens)], key=lambda edit: edit.start)
    found: list[Batch] = []
    line = 1
    for batch in batches(tokens):
        end = script.place(batch.go[0].start)[0] if batch.go else len(script.text) + 1
        if batch.tokens:
            span = (script.line_start(line), script.line_start(end))
            found.append(Batch(line, _edited(script.text, span, changes)))
        line = end + 1
    return found


def edits(script: Script, placing: Placing, as_of: date) -> list[Edit]:
    """Return all that differs from the analyst's text, in its order."""
    tokens, schema = tokenize(script.text), placing.schema
    names = {*(name for _, name in placing.built), *_made(tokens)}
    places = {table: view_schema(schema, table[0]) for table in placing.viewed}
    places |= {(FINANCE, name): schema for name in names}
    found = [*_schemas(script.text, tokens, places), *_asked(script.text, tokens, names, schema)]
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


def _schemas(text: str, tokens: Sequence[Token], places: Mapping[Table, str]) -> Iterator[Edit]:
    """Yield the edits of a name where it is a table's schema."""
    for index, token in enumerate(tokens[:-2]):
        dotted = tokens[index + 1].token_type is TokenType.DOT and tokens[index - 1].token_type is not TokenType.DOT
        schema = token.text.lower()
        if dotted and (place := places.get((schema, tokens[index + 2].text.lower()))):
            written = text[token.start : token.end + 1]
            yield Edit(token.start, token.end + 1, written.lower().replace(schema, place))


def _marks(script: Script, tokens: list[Token]) -> Iterator[Edit]:
    """Yield what notes a statement's place; a view is made by the one statement of its batch, which gets none."""
    for part in split(tokens):
        if "VIEW" not in part.words[1:4]:
            start = part.tokens[0].start
            line, column = script.place(start)
            yield Edit(start, start, f";{noted(line, column)}; ")


def noted(line: int, column: int) -> str:
    """Return the statement that notes a place."""
    return f"EXEC sp_set_session_context N'{PLACE}', N'{line}:{column}'"


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
