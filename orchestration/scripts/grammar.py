"""Judges a parsed statement by T-SQL's own grammar: sqlglot reads far more than SQL Server takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sqlglot import exp

from orchestration.scripts.conditions import Finding, misplaced
from orchestration.scripts.constructs import Advice
from orchestration.scripts.joins import unpaired
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import Part
from orchestration.scripts.vocabulary import foreign

_FROM = Advice("T-SQL names the table that is changed by its alias, and its FROM says what that is.", "")
_ORDER = Advice("SQL Server changes rows in no order.", "Choose the rows by WHERE.")
_DECLARED = Advice("T-SQL's variables begin with @, and get their value by =.", "Write DECLARE @x type = value.")
_VALUES = Advice("SQL Server takes VALUES as a table in parentheses alone.", "Write FROM (VALUES (…)) AS t(a, …).")


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
    for node, what, advice in [*_clauses(tree, part), *misplaced(tree)]:
        yield Problem(script.path, *place_of(script, node, begins), what, *advice)


def _clauses(tree: exp.Expr, part: Part) -> Iterator[Finding]:
    """Yield the clauses that sqlglot takes in statements where T-SQL has none."""
    words = part.words
    if isinstance(tree, exp.Update):
        if tree.args.get("order"):
            yield tree.args["order"], "UPDATE … ORDER BY", _ORDER
        if tree.this.alias:
            yield tree.this, "UPDATE … AS", _FROM._replace(instead="Write UPDATE r SET … FROM table AS r.")
    plain = isinstance(tree, exp.Delete) and not tree.args.get("tables")
    if plain and tree.this is not None and (tree.args.get("using") or tree.this.alias):
        yield tree.this, "DELETE … AS or USING", _FROM._replace(instead="Write DELETE r FROM table AS r JOIN ….")
    if words[0] == "DECLARE" and (words[1:2] != ("@",) or ("DEFAULT" in words and "TABLE" not in words)):
        yield tree, "DECLARE", _DECLARED
    if any(pair in (("FROM", "VALUES"), ("JOIN", "VALUES")) for pair in pairwise(words)):
        yield tree, "VALUES", _VALUES
