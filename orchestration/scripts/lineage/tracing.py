"""Follows a query's columns to the columns that they are made of: through CTEs, derived tables, APPLY and UNION.

What a column is made of are the columns in its expression, subqueries' results among them; what only chooses rows
(WHERE, ON, GROUP BY) is not. Trees are bound T-SQL, or DuckDB's with every column qualified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.binding.plan import SOURCE
from orchestration.scripts.tables import Name, name_of

Made = frozenset[tuple[Name, str]]
"""The columns that one is made of: a stored table's, ``#t``'s, or those of a variable ``@x``, whose name is empty."""

Outputs = list[tuple[str, Made]]
"""A query's columns in order."""

NOTHING: Made = frozenset()


@dataclass
class _Place:
    """The names that a query can see: derived tables by alias, CTEs; ``stored`` says which table an alias is."""

    outer: _Place | None = None
    derived: dict[str, dict[str, Made]] = field(default_factory=dict)
    stored: dict[str, Name] = field(default_factory=dict)
    ctes: dict[str, Outputs] = field(default_factory=dict)

    def around(self) -> Iterator[_Place]:
        """Yield this place and those around it."""
        place: _Place | None = self
        while place is not None:
            yield place
            place = place.outer

    def cte(self, name: str) -> Outputs | None:
        """Return a CTE's columns."""
        return next((place.ctes[name] for place in self.around() if name in place.ctes), None)


def trace(query: exp.Expr) -> Outputs:
    """Return of which stored columns, temporary tables' columns and variables each column of a query is made."""
    return _query(query, _Place())


def _query(query: exp.Expr, outer: _Place) -> Outputs:
    if isinstance(query, exp.Subquery):
        return _query(query.this, outer)
    place = _Place(outer)
    _bind_ctes(query, place)
    if isinstance(query, exp.SetOperation):
        return _union(_query(query.this, place), _query(query.expression, place))
    if isinstance(query, exp.Values):
        return _values(query, place)
    if not isinstance(query, exp.Select):
        return []
    for source in _sources(query):
        _add(source, place)
    return [(_output_name(item), _value(item, place)) for item in query.expressions]


def _bind_ctes(query: exp.Expr, place: _Place) -> None:
    holder = query.args.get("with_")
    for cte in holder.expressions if holder else []:
        name = cte.alias.lower()
        inner = cte.this
        if isinstance(inner, exp.SetOperation) and any(
            not table.db and table.name.lower() == name for table in inner.find_all(exp.Table)
        ):
            place.ctes[name] = _renamed(_query(inner.this, place), cte)
        place.ctes[name] = _renamed(_query(inner, place), cte)


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    start = select.args.get("from_")
    sources = [start.this] if start is not None else []
    sources += [join.this for join in select.args.get("joins") or []]
    sources += select.args.get("laterals") or []
    for source in sources:
        yield source
        for join in source.args.get("joins") or []:
            yield join.this


def _add(source: exp.Expr, place: _Place) -> None:
    """Put one member of a FROM clause into a place."""
    alias = source.alias_or_name.lower()
    if isinstance(source, exp.Table) and not isinstance(source.this, exp.Func):
        name = name_of(source)
        if name is not None:
            place.stored[alias] = name
            return
        columns = _renamed(place.cte(source.name.lower()) or [], source)
    elif isinstance(source, exp.Lateral):
        inner = source.this
        columns = _renamed(_query(inner, place) if isinstance(inner, exp.Query) else _called(inner, place), source)
    elif isinstance(source, exp.Table):
        columns = _renamed(_called(source.this, place), source)
    else:
        columns = _derived(source, place)
    place.derived[alias] = {name.lower(): made for name, made in columns}


def _derived(source: exp.Expr, place: _Place) -> Outputs:
    """Trace a derived table, which sees the query's CTEs and not its other tables."""
    inner = source.this if isinstance(source, exp.Subquery) else source
    return _renamed(_query(inner, _Place(place.outer, ctes=place.ctes)), source)


def _called(function: exp.Expr, place: _Place) -> Outputs:
    """Return the column of a function that gives a table: its arguments make it."""
    return [("value", _value(function, place))]


def _renamed(columns: Outputs, holder: exp.Expr) -> Outputs:
    alias = holder.args.get("alias")
    names = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    return [(name, made) for name, (_, made) in zip(names, columns, strict=False)] if names else columns


def _union(left: Outputs, right: Outputs) -> Outputs:
    return [(name, made | other) for (name, made), (_, other) in zip(left, right, strict=False)]


def _values(values: exp.Values, place: _Place) -> Outputs:
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions]
    return [("", NOTHING.union(*(_value(cell, place) for cell in column))) for column in zip(*rows, strict=False)]


def _output_name(item: exp.Expr) -> str:
    source = item.meta.get(SOURCE)
    return str(source[1]) if source else str(item.alias_or_name)


def _value(node: exp.Expr, place: _Place) -> Made:
    if isinstance(node, exp.Query):
        return NOTHING.union(*(made for _, made in _query(node, place)))
    if isinstance(node, exp.Column):
        return _column(node, place)
    if isinstance(node, exp.Parameter):
        return frozenset({(f"@{node.name.lower()}", "")})
    if isinstance(node, exp.Exists):
        return NOTHING
    if isinstance(node, exp.Window):
        return _value(node.this, place)
    return NOTHING.union(*(_value(child, place) for child in node.iter_expressions()))


def _column(node: exp.Column, place: _Place) -> Made:
    named, name = node.meta.get(SOURCE) or (node.table, node.name)
    if not isinstance(named, str) or named.startswith(("#", "@")):
        return frozenset({(named, name)})
    aliases = [alias for alias in (node.table.lower(), named.lower()) if alias]
    for around in place.around():
        for alias in aliases:
            if alias in around.derived:
                return around.derived[alias].get(name.lower(), NOTHING)
            if alias in around.stored:
                return frozenset({(around.stored[alias], name)})
        if not node.table:
            found = [columns[name.lower()] for columns in around.derived.values() if name.lower() in columns]
            if found:
                return found[0]
    return NOTHING


def resolved(columns: Outputs, known: Mapping[Name, Mapping[str, Made]]) -> Outputs:
    """Replace columns of temporary tables and variables by what those are made of."""

    def origins(made: Made) -> Made:
        parts = [
            known[name].get(column.lower(), NOTHING) if name in known else frozenset({(name, column)})
            for name, column in made
        ]
        return NOTHING.union(*parts)

    return [(name, origins(made)) for name, made in columns]
