"""Where in a script's text a node of a parsed statement begins."""

from __future__ import annotations

import re

from sqlglot import exp

from orchestration.scripts.source import Script

_WORDS = re.compile(r"[A-Z]+( [A-Z]+)*|\|\|")
_PASSED = r"--[^\r\n]*|/\*.*?\*/|'[^']*'"


def place_of(script: Script, node: exp.Expr, statement: tuple[int, int]) -> tuple[int, int]:
    """Return line and column of the first token that is known of a node, or of the nearest node around it.

    ``statement`` is where the statement begins: the answer when no token is known.
    """
    around: exp.Expr | None = node
    while around is not None and not isinstance(around, exp.Select):
        offsets = [inner.meta["start"] for inner in around.walk() if "start" in inner.meta]
        if offsets:
            return script.place(min(offsets))
        around = around.parent
    return statement


def place_of_words(script: Script, span: tuple[int, int], words: str) -> tuple[int, int] | None:
    """Return where words stand that a statement is made of, such as ``GROUP BY ALL``; None where they do not."""
    wanted = _WORDS.fullmatch(words)
    sought = r"\s+".join(map(re.escape, words.split()))
    pattern = rf"{_PASSED}|(?P<found>(?<!\w){sought}(?!\w))"
    matches = re.finditer(pattern, script.text[: span[1]], re.IGNORECASE | re.DOTALL) if wanted else ()
    starts = (match.start() for match in matches if match["found"] and match.start() >= span[0])
    return next((script.place(start) for start in starts), None)
