"""Which names a place in a statement can see: tables by their aliases, columns, CTEs, variables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from sqlglot import exp

from orchestration.names import Table
from orchestration.scripts.constructs import Advice
from orchestration.scripts.types import Catalog, Columns, SqlType

Finding = tuple[exp.Expr, str, Advice]
Warned = tuple[str, exp.Expr, str, Advice]
"""What surprises, behind the name of the rule by which it may be allowed."""
Origin = tuple["Table | str", str]
"""A stored column: the table, or ``#t`` or ``@t``, and the column's name as the catalogue has it."""


@dataclass(frozen=True)
class Assumption:
    """What has to hold for every value of a stored text column, so that both engines compare or sort it alike."""

    kind: Literal["equal", "constant", "order"]
    table: Table | str
    column: str


@dataclass(frozen=True)
class Frame:
    """What a statement can name: stored tables, this close's tables, ``#t`` and ``@t``, variables; all in lower case.

    ``changes`` where the query is an INSERT's, an UPDATE's or a DELETE's; ``later`` are the tables that statements
    behind this one make, each with the line; ``makes`` is the one that this statement makes. ``ended`` are variables
    of batches before this one.
    """

    catalog: Catalog = field(default_factory=dict)
    locals: Mapping[str, Columns] = field(default_factory=dict)
    variables: Mapping[str, SqlType] = field(default_factory=dict)
    work: Catalog = field(default_factory=dict)
    changes: bool = False
    later: Mapping[Table | str, int] = field(default_factory=dict)
    ended: Collection[str] = ()
    makes: Table | str | None = None

    def stored(self, table: Table) -> Columns | None:
        """Return a stored table's columns."""
        return self.work.get(table) or self.catalog.get(table)


@dataclass(frozen=True)
class Field:
    """One column of a table in a FROM clause, or of a query's result."""

    name: str
    type: SqlType
    origin: Origin | None = None


@dataclass(frozen=True)
class Relation:
    """One table of a FROM clause; ``named`` is the table, CTE or alias that lineage calls it."""

    alias: str
    fields: tuple[Field, ...]
    named: Table | str
    table: Table | None = None

    def find(self, name: str) -> Field | None:
        """Return a column by its name."""
        lowered = name.lower()
        return next((column for column in self.fields if column.name.lower() == lowered), None)


@dataclass
class Scope:
    """The names of one query, and behind them those of the query around it."""

    outer: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    ctes: dict[str, tuple[Field, ...]] = field(default_factory=dict)

    def cte(self, name: str) -> tuple[Field, ...] | None:
        """Return a CTE's columns."""
        scope: Scope | None = self
        while scope is not None:
            if name.lower() in scope.ctes:
                return scope.ctes[name.lower()]
            scope = scope.outer
        return None

    def resolve(self, column: exp.Column) -> list[tuple[Relation, Field]]:
        """Return the columns that a name may mean, from the nearest query that has any."""
        scope: Scope | None = self
        while scope is not None:
            found = list(scope.named(column))
            if found:
                return found
            scope = scope.outer
        return []

    def named(self, column: exp.Column) -> Iterator[tuple[Relation, Field]]:
        """Yield the columns of this query alone that a name may mean."""
        for relation in self.relations:
            if column.table and not _is_named(relation, column):
                continue
            match = relation.find(column.name)
            if match is not None:
                yield relation, match

    def every(self) -> Iterator[Relation]:
        """Yield the tables that can be seen, those of this query first."""
        yield from self.relations
        if self.outer is not None:
            yield from self.outer.every()

    def called(self, column: exp.Column) -> Iterator[Relation]:
        """Yield the tables that the name before a column may mean."""
        return (relation for relation in self.every() if _is_named(relation, column))

    def has_unknown(self) -> bool:
        """Say whether a table here is unknown, so that nobody can say which columns it has."""
        return any(not relation.fields for relation in self.relations) or bool(self.outer and self.outer.has_unknown())

    def visible(self) -> list[str]:
        """Return the names of all columns that can be seen, for advice."""
        names = [column.name for relation in self.relations for column in relation.fields]
        return names + (self.outer.visible() if self.outer else [])


def _is_named(relation: Relation, column: exp.Column) -> bool:
    if column.db:
        return relation.table == (column.db.lower(), column.table.lower())
    if column.args["table"].args.get("temporary"):
        return relation.alias.lower() == f"#{column.table.lower()}"
    return relation.alias.lower() == column.table.lower() or (
        relation.table is not None
        and relation.table[1] == column.table.lower()
        and relation.alias == ".".join(relation.table)
    )


@dataclass
class Findings:
    """What binding one statement found; ``parameterised`` where SQL Server may make parameters of its constants."""

    frame: Frame
    problems: list[Finding] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    assumptions: dict[Assumption, None] = field(default_factory=dict)
    parameterised: bool = False

    def problem(self, node: exp.Expr, what: str, why: str, instead: str) -> None:
        """Note what stops the script."""
        self.problems.append((node, what, Advice(why, instead)))

    def warn(self, rule: str, node: exp.Expr, what: str, advice: Advice) -> None:
        """Note what surprises, and the name of the rule by which it may be allowed."""
        self.warnings.append((rule, node, what, advice))

    def assume(self, kind: Literal["equal", "constant", "order"], origin: Origin) -> None:
        """Note what has to be checked on the data."""
        self.assumptions[Assumption(kind, *origin)] = None


def near(name: str, known: list[str], *, cutoff: float = 0.6, otherwise: str = "") -> str:
    """Return advice that names what a misspelt name may have meant; ``otherwise`` where none is that much alike."""
    matches = get_close_matches(name.lower(), [item.lower() for item in known], n=3, cutoff=cutoff)
    if not matches and otherwise:
        return otherwise
    if matches:
        return f"Did you mean {' or '.join(matches)}?"
    return "Check the name." if not known else f"There is: {', '.join(sorted(set(known))[:12])}."
