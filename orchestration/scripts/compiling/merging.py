"""MERGE: each WHEN becomes an INSERT, UPDATE or DELETE over the rows that are its own.

All of them are computed before the first is done, and a row that would be updated or deleted twice is an
error, as on the server. Which WHEN a row belongs to follows from the ones before it.
"""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.actions import Delete, Insert, Layout, Merge, Rows, Update
from orchestration.scripts.compiling.changes import alias_of, assignments
from orchestration.scripts.compiling.compilation import Compilation
from orchestration.scripts.compiling.queries import OUTPUT, insertion, known_column
from orchestration.scripts.compiling.values import rules_of, values_for
from orchestration.scripts.constructs import Advice
from orchestration.scripts.statements import Statement
from orchestration.scripts.tables import Name, name_of

_IDENTITY = Advice("in which order MERGE inserts is left to chance.", "Write INSERT … SELECT … ORDER BY.")


def merge(c: Compilation, statement: Statement) -> None:
    """Compile MERGE."""
    tree = statement.tree
    if tree.args.get("returning"):
        raise c.stop(statement, "OUTPUT", OUTPUT)
    if isinstance(tree.this, exp.Table) and name_of(tree.this) is None:
        raise c.stop(statement, tree.this.sql("tsql"), Advice("MERGE changes a table.", "Name the table."))
    target, layout = c.target(statement, tree.this)
    whens = tree.args["whens"].expressions
    merging = _Merging(c, statement, target, layout)
    parts = [
        merging.part(when, [other for other in whens[:n] if _kind(other) == _kind(when)])
        for n, when in enumerate(whens)
    ]
    rules = rules_of(c, statement, target, layout)
    c.actions.append(Merge(statement.place, target, layout, rules, parts, [_kind(when) == "MATCHED" for when in whens]))


def _kind(when: exp.Expr) -> str:
    if when.args["matched"]:
        return "MATCHED"
    return "NOT MATCHED BY SOURCE" if when.args.get("source") else "NOT MATCHED"


class _Merging:
    """One MERGE: its target, source and condition, from which each WHEN takes its own copy."""

    def __init__(self, c: Compilation, statement: Statement, target: Name, layout: Layout) -> None:
        self._c, self._statement, self._into = c, statement, (target, layout)
        self._tree = statement.tree

    def part(self, when: exp.Expr, before: list[exp.Expr]) -> Insert | Update | Delete:
        """Return what one WHEN does; ``before`` are those of its kind that come first."""
        query = self._rows(_kind(when))
        tests = [when.args["condition"].copy()] if when.args.get("condition") else []
        tests += [_fails(other.args.get("condition")) for other in before]
        for test in tests:
            query = query.where(test, copy=False)
        then = when.args["then"]
        if isinstance(then, exp.Insert):
            return self._insert(then, query)
        target, layout = self._into
        rows = Rows(alias_of(self._tree.this))
        place = self._statement.place
        if isinstance(then, exp.Update):
            assigned = assignments(self._c, self._statement, layout, then.expressions)
            query.set("expressions", [exp.alias_(value, f"c{n}") for n, value in enumerate(assigned.values())])
            wanted = {column: layout.columns[column] for column in assigned}
            return Update(place, target, layout, (), values_for(self._c, self._statement, query, wanted), rows)
        query.set("expressions", [exp.alias_(exp.Literal.number(1), "c0")])
        self._c.bind(self._statement, query)
        return Delete(place, target, layout, (), query, rows)

    def _insert(self, then: exp.Insert, query: exp.Select) -> Insert:
        target, layout = self._into
        if layout.identity:
            raise self._c.stop(self._statement, "MERGE into a table with IDENTITY", _IDENTITY)
        listed = [item.name for item in then.this.expressions] if then.this else list(layout.columns)
        columns = [known_column(self._c, self._statement, layout, name) for name in listed]
        values = dict(zip(columns, then.expression.expressions, strict=False))
        if not len(columns) == len(values) == len(then.expression.expressions):
            advice = Advice("each column takes one value.", f"Name {', '.join(columns)} once each.")
            raise self._c.stop(self._statement, "INSERT of the MERGE", advice)
        for column in layout.columns:
            if column not in values and column.lower() in layout.defaults:
                values[column] = layout.defaults[column.lower()].copy()
        query.set("expressions", [exp.alias_(value, f"c{n}") for n, value in enumerate(values.values())])
        return insertion(self._c, self._statement, (target, layout), list(values), query)

    def _rows(self, kind: str) -> exp.Select:
        """Select the rows that a kind of WHEN sees, from copies of target, source and condition."""
        target, source, on = self._tree.this.copy(), self._tree.args["using"].copy(), self._tree.args["on"].copy()
        query = exp.Select()
        if self._tree.args.get("with_"):
            query.set("with_", self._tree.args["with_"].copy())
        if kind == "MATCHED":
            query.set("from_", exp.From(this=target))
            query.set("joins", [exp.Join(this=source, on=on, kind="INNER")])
            return query
        first, other = (target, source) if kind == "NOT MATCHED BY SOURCE" else (source, target)
        query.set("from_", exp.From(this=first))
        one = exp.alias_(exp.Literal.number(1), "one")
        met = exp.Select(expressions=[one], from_=exp.From(this=other), where=exp.Where(this=on))
        return query.where(exp.Not(this=exp.Exists(this=met)), copy=False)


def _fails(condition: exp.Expr | None) -> exp.Expr:
    """Return the test that a WHEN before did not take the row: its condition is false or unknown."""
    zero, one = exp.Literal.number(0), exp.Literal.number(1)
    if condition is None:
        return exp.EQ(this=one, expression=zero)
    case = exp.Case(ifs=[exp.If(this=condition.copy(), true=one)], default=zero.copy())
    return exp.EQ(this=case, expression=zero)
