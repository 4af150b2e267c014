"""What is known while a script is compiled: its tables and variables so far, and what was found wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from orchestration.names import FINANCE, Table
from orchestration.scripts.actions import Action, Layout, Verify
from orchestration.scripts.binding import Assumption, Bound, Frame, bind
from orchestration.scripts.binding.hints import NO_COLUMN
from orchestration.scripts.binding.scope import Field
from orchestration.scripts.constructs import Advice
from orchestration.scripts.places import place_of, place_of_words
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.statements import Kind, Statement, made_by
from orchestration.scripts.tables import Name, name_of, written
from orchestration.scripts.types import Catalog, Columns, SqlType

_CHANGES = (Kind.INSERT, Kind.UPDATE, Kind.DELETE)
_NOT_FINANCE = Advice(f"scripts write to the schema {FINANCE} and to #tables.", "")
_IN_QUOTES = "no table here has it, and what stands in double quotes is a name."


class Stopped(Exception):
    """The statement that is being compiled has an error; the next ones are still looked at."""


@dataclass
class Compilation:
    """One script's compilation. ``made`` are the tables that it has made so far, by name in lower case.

    ``work`` are tables of finance that scripts before it have built; ``unknown`` those that a statement
    with an error should have made; ``places`` tell where each table of the script is made last.
    """

    script: Script
    catalog: Catalog
    work: Mapping[Table, Columns]
    made: dict[Name, Layout] = field(default_factory=dict)
    views: dict[Name, Columns] = field(default_factory=dict)
    variables: dict[str, SqlType] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    reads: set[Table] = field(default_factory=set)
    actions: list[Action] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    assumed: set[Assumption] = field(default_factory=set)
    batch: int = 0
    unknown: set[Name | None] = field(default_factory=set)
    made_in_batch: set[Name] = field(default_factory=set)
    places: Mapping[Name, tuple[int, int]] = field(default_factory=dict)

    def begin_batch(self, number: int) -> None:
        """Forget what ends at GO: variables, and tables that are variables."""
        self.batch = number
        self.ended.update(self.variables)
        self.variables.clear()
        self.made_in_batch.clear()
        self.made = {name: layout for name, layout in self.made.items() if not str(name).startswith("@")}

    def add(
        self,
        statement: Statement,
        what: str,
        advice: Advice,
        node: exp.Expr | None = None,
        *,
        rule: str = "",
    ) -> None:
        """Record what is wrong with a statement, at a node of it where one is given; a ``rule`` makes it a warning."""
        place = place_of(self.script, node, statement.place) if node is not None else statement.place
        place = place if place != statement.place else place_of_words(self.script, statement.span, what) or place
        severity: Literal["error", "warning"] = "warning" if rule else "error"
        self.problems.append(Problem(self.script.path, *place, what, advice.why, advice.instead, severity, rule))

    def stop(self, statement: Statement, what: str, advice: Advice, node: exp.Expr | None = None) -> Stopped:
        """Record what is wrong with a statement; returns what ends its compilation."""
        self.add(statement, what, advice, node)
        return Stopped()

    def bind(self, statement: Statement, query: exp.Query) -> tuple[Field, ...]:
        """Bind a query in the script's present state; returns its columns.

        Raises:
            Stopped: something in it is wrong.
        """
        found = self.bound(statement, query)
        self._assume(statement, found.assumptions)
        return found.fields

    def bound(self, statement: Statement, query: exp.Query) -> Bound:
        """Bind a query, and leave it to the caller when its assumptions are verified.

        Raises:
            Stopped: something in it is wrong.
        """
        found = bind(query, self._frame(statement))
        for rule, node, what, advice in found.warnings:
            self.add(statement, what, advice, node, rule=rule)
        for node, what, advice in found.problems:
            self.add(statement, what, self._in_quotes(node, advice), node)
        if found.problems:
            raise Stopped
        self.reads.update(name for name in self._names(query) if name not in self.made and name not in self.views)
        return found

    def _assume(self, statement: Statement, assumptions: Sequence[Assumption]) -> None:
        """Have assumptions verified before the statement: of tables that no script changes, once is enough."""
        for assumption in assumptions:
            changes = isinstance(assumption.table, str) or assumption.table in self.made
            if changes or assumption not in self.assumed:
                self.actions.append(Verify(statement.place, assumption))
            self.assumed.add(assumption)

    def target(self, statement: Statement, node: exp.Table) -> tuple[Name, Layout]:
        """Return the table that a statement changes.

        Raises:
            Stopped: it may not, or there is no such table.
        """
        copy = f"Copy it first, SELECT … INTO #{node.name} FROM {node.db}.{node.name}, and change the copy."
        name = self.writable(statement, node, copy if node.db else "")
        line = self._later(statement).get(name)
        if name not in self.made and line is not None:
            advice = Advice(f"it is built later, in line {line}.", "Put that statement before this one.")
            raise self.stop(statement, written(name), advice, node)
        if name not in self.made:
            self.unknown.add(name)
            raise self.stop(statement, written(name), self._not_made(name), node)
        return name, self.made[name]

    def _not_made(self, name: Name) -> Advice:
        make = f"Write CREATE TABLE {written(name)} (…), or SELECT … INTO {written(name)}, before it."
        if name in self.work:
            return Advice(
                "another script makes it, and it is not this one's to change.", "Give this table another name."
            )
        return Advice("this script has not made it.", make)

    def _in_quotes(self, node: exp.Expr, advice: Advice) -> Advice:
        """Return what to say of a column in double quotes, which is meant to be a text."""
        name = node.this if isinstance(node, exp.Column) and not node.table else node
        start = name.meta.get("start")
        if advice.why != NO_COLUMN or start is None or self.script.text[start : start + 1] != '"':
            return advice
        return Advice(_IN_QUOTES, f"Write a text in single quotes: '{name.name}'.")

    def writable(self, statement: Statement, node: exp.Table, instead: str = "") -> Name:
        """Return the name of a table that a statement makes, changes or drops; ``instead`` is advice when it may not.

        Raises:
            Stopped: it is not this script's to write.
        """
        name = name_of(node)
        if name is None or (not isinstance(name, str) and name[0] != FINANCE):
            instead = instead or f"Write {FINANCE}.{node.name}."
            raise self.stop(statement, node.sql("tsql"), Advice(_NOT_FINANCE.why, instead), node)
        return name

    def _names(self, tree: exp.Expr) -> set[Table]:
        found = (name_of(table) for table in tree.find_all(exp.Table) if not isinstance(table.parent, exp.Into))
        return {name for name in found if name is not None and not isinstance(name, str)}

    def _later(self, statement: Statement) -> dict[Name, int]:
        """Return the tables that statements behind this one make, and their lines."""
        return {name: place[0] for name, place in self.places.items() if place > statement.place}

    def _frame(self, statement: Statement) -> Frame:
        changes, later = statement.kind in _CHANGES, self._later(statement)
        own = {name: layout.columns for name, layout in self.made.items()} | self.views
        built = {name: columns for name, columns in own.items() if not isinstance(name, str)}
        temporary = {name: columns for name, columns in own.items() if isinstance(name, str)}
        work, node = {**self.work, **built}, made_by(statement)
        makes = name_of(node) if node is not None else None
        return Frame(self.catalog, temporary, dict(self.variables), work, changes, later, self.ended, makes)
