"""Where in a script's text a node of a parsed statement begins."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.source import Script


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
