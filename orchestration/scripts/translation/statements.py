"""DuckDB's text of a script's actions.

SQL Server computes a statement's rows before it changes any, and verifies keys when it is done. So the rows of
an UPDATE, DELETE or MERGE are selected first, with the target's ``rowid``, and rules are queries that run behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from orchestration.names import literal, qualified, quote
from orchestration.scripts import actions
from orchestration.scripts.program import Program
from orchestration.scripts.tables import Name, name_of, scope_view, written
from orchestration.scripts.translation import assumption_query, rewrite, text, variable
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.reaching import ROW, with_rows
from orchestration.scripts.translation.storing import converted, names, stored

_LEFT_TO_CHANCE = "which of several values counts would be left to chance"
_UNLIKE = "the engines would compare or sort this text differently"
_TWICE = "several rows of the source match one row, which MERGE would update or delete more than once: the row"


@dataclass(frozen=True)
class Step:
    """One statement of DuckDB; where ``broken`` is written, it is a query that must have no row."""

    place: tuple[int, int]
    sql: str
    broken: str = ""


def steps(program: Program, schema: str) -> Iterator[Step]:
    """Yield a program's statements for DuckDB, which build in a schema; its actions' trees are DuckDB's afterwards."""
    writer = _Writer(program, schema)
    for action in program.actions:
        for sql, broken in writer.write(action):
            yield Step(action.place, sql, broken)
    for view, place in writer.views.items():
        yield Step(place, f"CREATE TABLE {qualified((schema, view[1]))} AS SELECT * FROM {quote(_view(view))}")


def _view(name: Name) -> str:
    """Return the name that a view of finance has while its script runs."""
    return f"strata_view_{name[1]}"


_Sql = Iterator[tuple[str, str]]


class _Writer:
    """Writes actions in their order."""

    def __init__(self, program: Program, schema: str) -> None:
        self._schema = schema
        self._built: set[Name] = {*program.writes, *program.work}
        self._built.update(item.target for item in program.actions if isinstance(item, actions.Fill | actions.Create))
        self.views: dict[Name, tuple[int, int]] = {}

    def write(self, action: actions.Action) -> _Sql:
        """Yield an action's statements, each with what it means when it is a query and has a row."""
        yield from _WRITERS[type(action)](self, action)
        if isinstance(action, actions.Change):
            for rule in action.rules:
                for assumption in rule.assumptions:
                    yield assumption_query(assumption, self._place(assumption.table)), _UNLIKE
                yield f"SELECT * FROM ({self._text(rule.query)}) LIMIT 1", f"{written(action.target)}: {rule.broken}"

    def locate(self, node: exp.Table) -> str:
        """Return the table of DuckDB that a table of a script is."""
        name = name_of(node)
        assert name is not None  # noqa: S101 - only tables are located, no CTE
        return self._place(name)

    def _place(self, name: Name) -> str:
        if isinstance(name, str):
            return quote(name)
        if name in self.views:
            return quote(_view(name))
        return qualified((self._schema, name[1])) if name in self._built else quote(scope_view(name))

    def _text(self, query: exp.Expr) -> str:
        written_out: str = text(rewrite(query, self.locate))
        return written_out

    def verify(self, action: actions.Verify) -> _Sql:
        place = self._place(action.assumption.table)
        yield assumption_query(action.assumption, place), _UNLIKE

    def create(self, action: actions.Create) -> _Sql:
        columns = ", ".join(f"{quote(name)} {kind.duckdb}" for name, kind in action.layout.columns.items())
        yield f"CREATE OR REPLACE {self._temporary(action.target)}TABLE {self._place(action.target)} ({columns})", ""
        yield from self._restart(action.target, action.layout)

    def fill(self, action: actions.Fill) -> _Sql:
        query = stored(self._text(action.query), action.columns)
        yield f"CREATE {self._temporary(action.target)}TABLE {self._place(action.target)} AS {query}", ""

    def view(self, action: actions.View) -> _Sql:
        query = stored(self._text(action.query), action.columns)
        self.views[action.target] = action.place
        yield f"CREATE OR REPLACE TEMP VIEW {quote(_view(action.target))} AS {query}", ""

    def insert(self, action: actions.Insert) -> _Sql:
        yield from self._compute(action, 0)
        yield from self._apply(action, 0)

    def update(self, action: actions.Update) -> _Sql:
        yield from self._compute(action, 0)
        rows = quote(_rows(0))
        several = f"FROM (SELECT DISTINCT * FROM {rows}) QUALIFY count(*) OVER (PARTITION BY {quote(ROW)}) > 1"
        yield f"SELECT * EXCLUDE ({quote(ROW)}) {several}", _LEFT_TO_CHANCE
        yield from self._apply(action, 0)

    def delete(self, action: actions.Delete) -> _Sql:
        yield from self._compute(action, 0)
        yield from self._apply(action, 0)

    def merge(self, action: actions.Merge) -> _Sql:
        for number, part in enumerate(action.parts):
            yield from self._compute(part, number)
        matched = [
            f"SELECT {quote(ROW)} FROM {quote(_rows(n))}" for n, is_matched in enumerate(action.matched) if is_matched
        ]
        if matched:
            rows = " UNION ALL ".join(matched)
            twice = f"SELECT {quote(ROW)} FROM ({rows}) GROUP BY {quote(ROW)} HAVING count(*) > 1"
            yield f"SELECT * FROM {self._place(action.target)} WHERE rowid IN ({twice}) ORDER BY ALL LIMIT 1", _TWICE
        for number, part in enumerate(action.parts):
            yield from self._apply(part, number)

    def truncate(self, action: actions.Truncate) -> _Sql:
        yield f"DELETE FROM {self._place(action.target)}", ""
        yield from self._restart(action.target, action.layout)

    def drop(self, action: actions.Drop) -> _Sql:
        if action.is_view:
            yield f"DROP VIEW {quote(_view(action.target))}", ""
            del self.views[action.target]
        else:
            yield f"DROP TABLE {self._place(action.target)}", ""

    def assign(self, action: actions.Assign) -> _Sql:
        values, rows = action.values, quote(_rows(0))
        listed = names(len(values.kinds))
        query = f"SELECT DISTINCT * FROM ({self._text(values.query)}) AS q({listed})"
        yield f"CREATE OR REPLACE TEMP TABLE {rows} AS {query}", ""
        yield f"SELECT * FROM {rows} WHERE (SELECT count(*) FROM {rows}) > 1", _LEFT_TO_CHANCE
        for number, (name, kind) in enumerate(action.variables.items()):
            value = text(converter(values.kinds[number], kind)(exp.column(f"c{number}", quoted=True)))
            held = f"CAST(getvariable({literal(variable(name))}) AS {kind.duckdb})"
            found = f"(SELECT CAST({value} AS {kind.duckdb}) FROM {rows})"
            chosen = f"CASE WHEN EXISTS (FROM {rows}) THEN {found} ELSE {held} END"
            yield f"SET VARIABLE {quote(variable(name))} = ({chosen})", ""

    def _compute(self, part: actions.Change, number: int) -> _Sql:
        """Keep the rows of a change: its values, with the target's row where there is one."""
        rows = f"CREATE OR REPLACE TEMP TABLE {quote(_rows(number))} AS SELECT"
        if isinstance(part, actions.Insert):
            yield f"{rows} * FROM ({self._text(part.values.query)}) AS q({names(len(part.values.kinds))})", ""
            return
        assert isinstance(part, actions.Update | actions.Delete)  # noqa: S101 - the kinds of change that there are
        query = part.values.query if isinstance(part, actions.Update) else part.query
        count = len(part.values.kinds) if isinstance(part, actions.Update) else 1
        found = text(with_rows(rewrite(query, self.locate), part.rows))
        yield f"{rows} * FROM ({found}) AS q({quote(ROW)}, {names(count)})", ""

    def _apply(self, part: actions.Change, number: int) -> _Sql:
        """Change the target by the rows that were kept."""
        target, rows = self._place(part.target), quote(_rows(number))
        if isinstance(part, actions.Delete):
            yield f"DELETE FROM {target} WHERE rowid IN (SELECT {quote(ROW)} FROM {rows})", ""
        elif isinstance(part, actions.Update):
            pairs = zip(part.values.columns, converted(part.values), strict=True)
            chosen = ", ".join(f"{quote(column)} = {value}" for column, value in pairs)
            yield f"UPDATE {target} AS t SET {chosen} FROM {rows} AS v WHERE t.rowid = v.{quote(ROW)}", ""
        elif isinstance(part, actions.Insert):
            yield from self._inserted(part, rows)

    def _inserted(self, part: actions.Insert, rows: str) -> _Sql:
        place, columns = self._place(part.target), [quote(name) for name in part.values.columns if name]
        values, identity = converted(part.values), part.layout.identity
        if not identity:
            yield f"INSERT INTO {place} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {rows} AS v", ""
            return
        last = literal(_identity(part.target))
        values[-1] = f"getvariable({last}) + {identity.step} * {values[-1]}"
        columns.append(quote(identity.column))
        yield f"INSERT INTO {place} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {rows} AS v", ""
        highest = f"(SELECT max({quote(identity.column)}) FROM {place})"
        yield f"SET VARIABLE {quote(_identity(part.target))} = greatest(getvariable({last}), {highest})", ""

    def _restart(self, target: Name, layout: actions.Layout) -> _Sql:
        if layout.identity:
            first = layout.identity.seed - layout.identity.step
            yield f"SET VARIABLE {quote(_identity(target))} = CAST({first} AS BIGINT)", ""

    def _temporary(self, target: Name) -> str:
        return "TEMP " if isinstance(target, str) else ""


_WRITERS: dict[type[actions.Action], Callable[..., _Sql]] = {
    actions.Verify: _Writer.verify,
    actions.Create: _Writer.create,
    actions.Fill: _Writer.fill,
    actions.View: _Writer.view,
    actions.Insert: _Writer.insert,
    actions.Update: _Writer.update,
    actions.Delete: _Writer.delete,
    actions.Merge: _Writer.merge,
    actions.Truncate: _Writer.truncate,
    actions.Drop: _Writer.drop,
    actions.Assign: _Writer.assign,
}


def _rows(number: int) -> str:
    return f"#strata{number}"


def _identity(name: Name) -> str:
    return f"identity_{written(name)}"
