"""Which columns of a query tell its rows apart, as far as its text says so: what it is grouped or numbered by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlglot import exp

from orchestration.scripts.binding.plan import OWNER
from orchestration.scripts.dialect import function_name
from orchestration.scripts.tables import Name, name_of

Column = tuple[str, str]
"""A table's alias and a column of it, both in lower case."""
Keys = Sequence[frozenset[str]]
"""Sets of a table's columns, each of which tells its rows apart."""


def columns_of(nodes: Iterable[exp.Expr]) -> set[Column]:
    """Return the columns that bound expressions are made of."""
    found = (column for node in nodes for column in node.find_all(exp.Column))
    return {(column.meta[OWNER].alias.lower(), _name(column)) for column in found if OWNER in column.meta}


def _name(column: exp.Column) -> str:
    return str(column.name).lower()


def keys_among(select: exp.Select, known: Mapping[Name, Keys]) -> Iterator[set[Column]]:
    """Yield the keys of the tables of a query's FROM."""
    start = select.args.get("from_")
    joined = [join.this for join in select.args.get("joins") or []]
    for source in [start.this, *joined] if start is not None else []:
        for key in _keys_of_source(source, known):
            yield {(source.alias_or_name.lower(), name) for name in key}


def _keys_of_source(source: exp.Expr, known: Mapping[Name, Keys]) -> Keys:
    if isinstance(source, exp.Subquery):
        return keys_of(source.this, known)
    if not isinstance(source, exp.Table):
        return ()
    name = name_of(source)
    if name is not None:
        return known.get(name, ())
    around = source.find_ancestor(exp.CTE)
    ctes = (cte for cte in source.root().find_all(exp.CTE) if cte.alias.lower() == source.name.lower())
    return next((keys_of(cte.this, known) for cte in ctes if cte is not around), ())


def keys_of(query: exp.Expr, known: Mapping[Name, Keys]) -> Keys:
    """Return the keys of a bound query's result; ``known`` are those of the script's own tables."""
    if not isinstance(query, exp.Select):
        return ()
    shown = {item.alias_or_name.lower(): item.unalias() for item in query.expressions}
    if query.args.get("distinct") is not None:
        return [frozenset(shown)]
    group = query.args.get("group")
    if group is not None:
        plain = group.expressions and not any(group.args.get(name) for name in ("rollup", "cube", "grouping_sets"))
        return _shown(group.expressions, shown) if plain else ()
    numbered = [key for name, item in shown.items() for key in _numbered(name, item, shown)]
    return [*numbered, *_kept(query, shown, known)]


def _shown(wanted: Sequence[exp.Expr], shown: Mapping[str, exp.Expr]) -> Keys:
    """Return the names under which all of some expressions are shown, if they are."""
    names = [next((name for name, item in shown.items() if _is_same(item, part)), None) for part in wanted]
    return () if None in names else [frozenset(name for name in names if name is not None)]


def _is_same(one: exp.Expr, other: exp.Expr) -> bool:
    if isinstance(one, exp.Column) and isinstance(other, exp.Column):
        return columns_of([one]) == columns_of([other])
    return one.unnest() == other.unnest()


def _numbered(name: str, item: exp.Expr, shown: Mapping[str, exp.Expr]) -> Keys:
    """Return the key that ROW_NUMBER makes: its number, with what it is partitioned by."""
    if not isinstance(item, exp.Window) or function_name(item.this) != "ROW_NUMBER":
        return ()
    return [key | {name} for key in _shown(item.args.get("partition_by") or [], shown)]


def _kept(query: exp.Select, shown: Mapping[str, exp.Expr], known: Mapping[Name, Keys]) -> Iterator[frozenset[str]]:
    """Yield the keys of the one table that a query reads, where all their columns are shown."""
    if query.args.get("joins"):
        return
    for key in keys_among(query, known):
        names = [next((name for name, item in shown.items() if columns_of([item]) == {part}), None) for part in key]
        if None not in names:
            yield frozenset(name for name in names if name is not None)
