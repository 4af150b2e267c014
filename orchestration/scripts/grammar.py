"""Judges a parsed statement by T-SQL's own grammar: sqlglot reads far more than SQL Server takes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.conditions import misplaced
from orchestration.scripts.joins import unpaired
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import Part
from orchestration.scripts.vocabulary import foreign


def violations(script: Script, part: Part, tree: exp.Expr) -> Iterator[Problem]:
    """Yield what SQL Server would not parse in a statement that sqlglot did."""
    begins = script.place(part.tokens[0].start)
    if part.words[0] == "MERGE" and not part.ended:
        why = "SQL Server takes no MERGE without a semicolon at its end."
        yield Problem(script.path, *begins, "MERGE", why, "Write ; behind it.")
    for found in (unpaired(part), foreign(part.tokens, tree, script.text)):
        if found is not None:
            token, what, advice = found
            yield Problem(script.path, *script.place(token.start), what, *advice)
    for node, what, advice in misplaced(tree):
        yield Problem(script.path, *place_of(script, node, begins), what, *advice)
