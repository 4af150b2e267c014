"""What a script reads and writes, from its text alone: enough to put scripts in order before any is compiled."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from orchestration.names import FINANCE, Table
from orchestration.scripts.constructs import Advice
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, is_checks
from orchestration.scripts.statements import Kind, Statement, made_by, not_declared, parse
from orchestration.scripts.tables import misplaced, name_of

_FIELDS = ("title", "owner", "description")
_ANONYMOUS = "nobody can tell whose table this is."
_EMPTY = Advice(
    "the file has no statement.", "Write DECLARE @as_of date; and SELECT … INTO finance.x FROM …; or delete it."
)
_NO_TABLE = Advice("the script builds no table.", f"Write SELECT … INTO {FINANCE}.x.")
_NAME = Advice(
    "files and Dagster take a table's name as it is.",
    "Name it with letters a to z, digits and underscores, a letter first.",
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRINT = Advice("nobody sees what it says.", "Leave it out; it is ignored.")


@dataclass(frozen=True)
class Outline:
    """A script's statements, and the tables of the warehouse that it reads and makes, in the order it makes them.

    ``unusable`` are the spans of statements that name what no script may name; ``undeclared`` are the variables,
    with their @, of a DECLARE that cannot be parsed.
    """

    script: Script
    statements: tuple[Statement, ...]
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...]
    unusable: frozenset[tuple[int, int]] = frozenset()
    undeclared: frozenset[str] = frozenset()


def outline(script: Script) -> Outline:
    """Read a script; what is wrong with it is among its problems."""
    statements, unparsed = parse(script)
    if not statements and not unparsed:
        return Outline(script, (), (), (), (_problem(script, (1, 1), "an empty script", _EMPTY),))
    made = _made(statements)
    writes = tuple(table for table, is_kept in made.items() if is_kept)
    foreign = [(item, *found) for item in statements for found in misplaced(item.tree, item.tables)]
    named = [_problem(script, place_of(script, node, item.place), what, advice) for item, node, what, advice in foreign]
    problems = [*unparsed, *named, *_form(script, statements), *_odd_names(script, statements)]
    if not writes and not unparsed:
        problems.append(_problem(script, (1, 1), "no SELECT … INTO", _NO_TABLE))
    unusable = frozenset(item.span for item, *_ in foreign)
    undeclared = frozenset(not_declared(script, statements)) if unparsed else frozenset()
    return Outline(script, tuple(statements), _reads(statements, made), writes, tuple(problems), unusable, undeclared)


def _made(statements: list[Statement]) -> dict[Table, bool]:
    """Return the tables of the warehouse that statements make, in order, and whether they are there at the end."""
    found: dict[Table, bool] = {}
    for statement in statements:
        node = made_by(statement)
        name = name_of(node) if node is not None else None
        if name is not None and not isinstance(name, str):
            found[name] = True
        if statement.kind is Kind.DROP:
            dropped = {name_of(table) for table in statement.tables}
            found |= {table: False for table in found if table in dropped}
    return found


def _reads(statements: list[Statement], made: Collection[Table]) -> tuple[Table, ...]:
    names = {
        name_of(table)
        for statement in statements
        if statement.kind is not Kind.DROP
        for table in statement.tables
        if not isinstance(table.this, exp.Func)
    }
    return tuple(sorted(name for name in names if isinstance(name, tuple) and name not in made))


def _form(script: Script, statements: list[Statement]) -> list[Problem]:
    """Return what is missing in the header, and which statements do nothing."""
    missing = [name for name in _FIELDS if not getattr(script.header, name)]
    found = [_problem(script, (1, 1), f"no {_listed(missing)} in the header", _header(missing))] if missing else []
    printed = [item for item in statements if item.keyword == "PRINT"]
    return [*found, *(_problem(script, item.place, "PRINT", _PRINT, rule="print") for item in printed)]


def _odd_names(script: Script, statements: list[Statement]) -> Iterator[Problem]:
    """Yield a problem for each table of finance with another name than a word; a check's rows never leave the close."""
    for statement in statements if not is_checks(script.path) else ():
        node = made_by(statement)
        name = name_of(node) if node is not None else None
        if node is not None and isinstance(name, tuple) and not _PLAIN.fullmatch(name[1]):
            yield _problem(script, place_of(script, node, statement.place), ".".join(name), _NAME)


def _header(missing: list[str]) -> Advice:
    """Return the lines to write; the whole comment where all of it is missing."""
    lines = "  ".join(f"{name}: …" for name in missing)
    begin = "Open the script with a comment, each in a line of its own" if len(missing) == len(_FIELDS) else ""
    return Advice(_ANONYMOUS, f"{begin or 'Write into the comment that opens the script, in its own line'}: {lines}")


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _problem(script: Script, place: tuple[int, int], what: str, advice: Advice, *, rule: str = "") -> Problem:
    problem = Problem(script.path, *place, what, advice.why, advice.instead)
    return replace(problem, severity="warning", rule=rule) if rule else problem
