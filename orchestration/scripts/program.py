"""Compiles a script: what its statements do, typed, in order, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from orchestration.names import Table
from orchestration.scripts.actions import Action, Create, Fill
from orchestration.scripts.compiling.changes import delete, update
from orchestration.scripts.compiling.compilation import Compilation, Stopped
from orchestration.scripts.compiling.definitions import create_table, drop, truncate
from orchestration.scripts.compiling.merging import merge
from orchestration.scripts.compiling.queries import create_view, insert, select_into
from orchestration.scripts.compiling.variables import assign, declare, select_assign
from orchestration.scripts.constructs import Advice
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.statements import Kind, Statement, made_by
from orchestration.scripts.tables import Name, name_of
from orchestration.scripts.types import Catalog, Columns

_NOWHERE = Advice("its rows go nowhere.", "Write SELECT … INTO, INSERT … SELECT, or leave it out.")
_ALONE = Advice("a view is made in a batch of its own.", "Write GO in a line before and behind it.")
_TWICE = Advice("SQL Server makes a #table of one name once in a batch, even if it is dropped.", "Name it otherwise.")


@dataclass(frozen=True)
class Program:
    """A compiled script. ``writes`` are the tables that it makes, in order; ``reads`` those that it finds.

    ``work`` are the tables of finance that scripts before it have built. With an error among its ``problems`` it
    cannot be run.
    """

    script: Script
    actions: tuple[Action, ...]
    reads: tuple[Table, ...]
    writes: Mapping[Table, Columns]
    work: frozenset[Table]
    problems: tuple[Problem, ...]


def compile_script(script: Script, catalog: Catalog, work: Mapping[Table, Columns] | None = None) -> Program:
    """Compile a script against the tables of the warehouse and those that scripts before it build; never raises."""
    return compile_outline(outline(script), catalog, work or {})


def compile_outline(outlined: Outline, catalog: Catalog, built: Mapping[Table, Columns]) -> Program:
    """Compile a script that is read already; its trees are bound in place, so an outline is good for one program."""
    script = outlined.script
    c = Compilation(script, catalog, built, problems=list(outlined.problems), places=_places(outlined.statements))
    c.unknown |= outlined.undeclared
    for statement in outlined.statements:
        _begin(c, statement, outlined.statements)
        _compile(c, statement, is_usable=statement.span not in outlined.unusable)
    columns = {name: layout.columns for name, layout in c.made.items()} | c.views
    writes = {name: columns[name] for name in outlined.writes if name in columns}
    reads = tuple(sorted(name for name in c.reads if name not in writes))
    told = {(problem.line, problem.what) for problem in outlined.problems}
    bound = {problem for problem in c.problems if (problem.line, problem.what) not in told}
    problems = tuple(sorted({*outlined.problems, *bound}))
    return Program(script, tuple(c.actions), reads, writes, frozenset(built), problems)


def _places(statements: tuple[Statement, ...]) -> dict[Name, tuple[int, int]]:
    """Return where each table is made last."""
    made = [(made_by(statement), statement.place) for statement in statements]
    named = [(name_of(node), place) for node, place in made if node is not None]
    return {name: place for name, place in named if name is not None}


def _compile(c: Compilation, statement: Statement, *, is_usable: bool) -> None:
    """Compile one statement; what it should have made is unknown if that fails, and what reads it is passed over."""
    named: set[Name | None] = {name_of(table) for table in statement.tables}
    named |= {f"@{variable.name.lower()}" for variable in statement.tree.find_all(exp.Parameter)}
    node = made_by(statement)
    makes = name_of(node) if node is not None else None
    if not is_usable or named & c.unknown - {makes}:
        c.unknown.update({makes} - {None})
        return
    try:
        _STATEMENTS[statement.kind](c, statement)
        c.unknown.discard(makes)
    except Stopped:
        c.unknown.update({makes} - {None})


def _begin(c: Compilation, statement: Statement, statements: tuple[Statement, ...]) -> None:
    """End what GO ends, and say what cannot stand in the batch."""
    if statement.batch != c.batch:
        c.begin_batch(statement.batch)
    beside = [item for item in statements if item.batch == statement.batch and item is not statement]
    if statement.kind is Kind.CREATE_VIEW and beside:
        c.add(statement, "CREATE VIEW beside other statements", _ALONE)


def _making(compile_statement: Callable[[Compilation, Statement], None]) -> Callable[[Compilation, Statement], None]:
    """Compile what makes a table, and refuse a #table that the batch has made before."""

    def compiled(c: Compilation, statement: Statement) -> None:
        compile_statement(c, statement)
        made = c.actions[-1]
        if isinstance(made, Create | Fill) and str(made.target).startswith("#"):
            if made.target in c.made_in_batch:
                c.add(statement, f"{made.target} a second time", _TWICE)
            c.made_in_batch.add(made.target)

    return compiled


def _select(c: Compilation, statement: Statement) -> None:
    c.add(statement, "SELECT without INTO", _NOWHERE)


def _ignore(c: Compilation, statement: Statement) -> None:
    """Do nothing: the statement changes no result."""


_STATEMENTS: dict[Kind, Callable[[Compilation, Statement], None]] = {
    Kind.SELECT_INTO: _making(select_into),
    Kind.CREATE_TABLE: _making(create_table),
    Kind.CREATE_VIEW: create_view,
    Kind.INSERT: insert,
    Kind.UPDATE: update,
    Kind.DELETE: delete,
    Kind.MERGE: merge,
    Kind.TRUNCATE: truncate,
    Kind.DROP: drop,
    Kind.DECLARE: declare,
    Kind.SET: assign,
    Kind.ASSIGN: select_assign,
    Kind.SELECT: _select,
    Kind.IGNORED: _ignore,
}
