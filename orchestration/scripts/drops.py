"""Reads ``IF OBJECT_ID('…') IS NOT NULL DROP TABLE …``, the one IF that a script may use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.constructs import Advice
from orchestration.scripts.splitting import word

IF = Advice(
    "a script does the same every day; nothing in it depends on a condition.",
    "Put the condition into the query (WHERE, CASE), or write DROP TABLE IF EXISTS …;",
)
_OTHER_NAME = Advice("OBJECT_ID asks for another name than the one that is dropped.", "Write DROP TABLE IF EXISTS …;")
_NOT_TEMPORARY = Advice(
    "OBJECT_ID finds a temporary table by its name in tempdb only, so nothing would be dropped.",
    "Write DROP TABLE IF EXISTS #…;",
)
_STRINGS = (TokenType.STRING, TokenType.NATIONAL_STRING)
_CONDITION = re.compile(r"IF \(?OBJECT_ID \( ''(?: , '')? \) IS NOT NULL(?: \))? DROP (?:TABLE|VIEW) [^,]+")


def guarded_drop(tokens: Sequence[Token]) -> tuple[list[Token], Advice | None]:
    """Return the tokens of the DROP behind an IF that asks whether the table is there; else why that is refused."""
    shape = " ".join("''" if token.token_type in _STRINGS else word(token) or "name" for token in tokens)
    if not _CONDITION.fullmatch(shape.replace("( OBJECT_ID", "(OBJECT_ID", 1)):
        return [], IF
    begin = next(index for index, token in enumerate(tokens) if word(token) == "DROP")
    asked = next(str(token.text) for token in tokens if token.token_type in _STRINGS)
    dropped = "".join(str(token.text) for token in tokens[begin + 2 :]).lower()
    parts = [part.strip('[]" ').lower() for part in asked.split(".")]
    if dropped.startswith("#"):
        found = parts[0] == "tempdb" and parts[-1] == dropped
        return (list(tokens[begin:]), None) if found else ([], _NOT_TEMPORARY)
    return (list(tokens[begin:]), None) if ".".join(parts) == dropped else ([], _OTHER_NAME)
