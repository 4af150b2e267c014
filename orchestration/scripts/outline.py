"""What a script reads and writes, from its text alone: enough to put scripts in order before any is compiled."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from orchestration.names import FINANCE, Table
from orchestration.scripts.constructs import Advice
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.statements import Kind, Statement, parse
from orchestration.scripts.tables import misplaced, name_of

_HEADER = Advice("nobody can tell whose table this is.", "Open the script with /* title: … owner: … description: … */.")
_NO_TABLE = Advice("the script builds no table.", f"Write SELECT … INTO {FINANCE}.x.")
_PRINT = Advice("nobody sees what it says.", "Leave it out; it is ignored.")


@dataclass(frozen=True)
class Outline:
    """A script's statements, and the tables of the warehouse that it reads and makes, in the order it makes them.

    ``unusable`` are the spans of statements that name what no script may name.
    """

    script: Script
    statements: tuple[Statement, ...]
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...]
    unusable: frozenset[tuple[int, int]] = frozenset()


def outline(script: Script) -> Outline:
    """Read a script; what is wrong with it is among its problems."""
    statements, unparsed = parse(script)
    writes = _writes(statements)
    foreign = [(item, *found) for item in statements for found in misplaced(item.tree, item.tables)]
    named = [_problem(script, place_of(script, node, item.place), what, advice) for item, node, what, advice in foreign]
    problems = [*unparsed, *named, *_form(script, statements)]
    if not writes and not unparsed:
        problems.append(_problem(script, (1, 1), "no SELECT … INTO", _NO_TABLE))
    unusable = frozenset(item.span for item, *_ in foreign)
    return Outline(script, tuple(statements), _reads(statements, writes), writes, tuple(problems), unusable)


def made_by(statement: Statement) -> exp.Table | None:
    """Return the table or view that a statement makes."""
    if statement.kind is Kind.SELECT_INTO:
        first: exp.Expr = statement.tree
        while isinstance(first, exp.SetOperation):
            first = first.this
        into: exp.Table = first.args["into"].this
        return into
    if statement.kind in (Kind.CREATE_TABLE, Kind.CREATE_VIEW):
        node = statement.tree.this
        table: exp.Table = node.this if isinstance(node, exp.Schema) else node
        return table
    return None


def _writes(statements: list[Statement]) -> tuple[Table, ...]:
    found: dict[Table, None] = {}
    for statement in statements:
        node = made_by(statement)
        name = name_of(node) if node is not None else None
        if name is not None and not isinstance(name, str):
            found[name] = None
        if statement.kind is Kind.DROP:
            for table in statement.tables:
                found.pop(name_of(table), None)  # type: ignore[arg-type]  # a name that is no table is not there
    return tuple(found)


def _reads(statements: list[Statement], writes: tuple[Table, ...]) -> tuple[Table, ...]:
    names = {
        name_of(table)
        for statement in statements
        if statement.kind is not Kind.DROP
        for table in statement.tables
        if not isinstance(table.this, exp.Func)
    }
    return tuple(
        sorted(name for name in names if name is not None and not isinstance(name, str) and name not in writes)
    )


def _form(script: Script, statements: list[Statement]) -> list[Problem]:
    """Return what is missing in the header, and which statements do nothing."""
    missing = [name for name in ("title", "owner", "description") if not getattr(script.header, name)]
    found = [_problem(script, (1, 1), f"no {name} in the header", _HEADER) for name in missing]
    printed = [item for item in statements if item.keyword == "PRINT"]
    return [*found, *(_problem(script, item.place, "PRINT", _PRINT, rule="print") for item in printed)]


def _problem(script: Script, place: tuple[int, int], what: str, advice: Advice, *, rule: str = "") -> Problem:
    problem = Problem(script.path, *place, what, advice.why, advice.instead)
    return replace(problem, severity="warning", rule=rule) if rule else problem
