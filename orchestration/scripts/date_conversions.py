"""Finds the conversions of a statement to dates as they were written, to say of which a text is no date."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.scripts.divisions import Written, mate, one_of, written
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import split, tokenize

_FUNCTIONS = ("CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT")
_DATES = ("DATE", "DATETIME", "DATETIME2", "SMALLDATETIME")


def no_date(script: Script, statement: tuple[int, int], said: str) -> tuple[tuple[int, int], str]:
    """Return where a statement makes dates of texts, and what to say: of several, it is one of those listed.

    ``said`` is what is wrong with the text.
    """
    found = list(_conversions(script, statement))
    place, words = one_of(found, statement, said)
    return (place, f"{found[0][1]}: {said}") if len(found) == 1 else (place, words)


def _conversions(script: Script, statement: tuple[int, int]) -> Iterator[Written]:
    for part in split(tokenize(script.text)):
        if script.place(part.tokens[0].start) != statement:
            continue
        for index, name in enumerate(part.words[:-1]):
            if name not in _FUNCTIONS or part.words[index + 1] != "(":
                continue
            last = mate(part.tokens, index + 1, 1)
            kind = part.words[index + 2] if name.endswith("CONVERT") else _behind_as(part.words[index:last])
            if kind in _DATES:
                yield written(script, part.tokens[index], part.tokens[last])


def _behind_as(words: tuple[str, ...]) -> str:
    """Return the type that a CAST, without its last parenthesis, makes."""
    places = [index for index, name in enumerate(words[:-1]) if name == "AS"]
    return words[places[-1] + 1] if places else ""
