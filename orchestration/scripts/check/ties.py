"""Warns where rows are picked by an order that may not tell them apart: which of them is picked is then any.

A warning, for only the data tell whether there are ties. Quiet is an order that has a key, that covers what a query is
grouped or numbered by, or that has all that the query keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from orchestration.scripts.actions import Create, Fill
from orchestration.scripts.binding.plan import OWNER
from orchestration.scripts.binding.scope import Relation
from orchestration.scripts.check.uniqueness import Column, Keys, columns_of, keys_among, keys_of
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import as_text, function_name
from orchestration.scripts.lineage.columns import queries
from orchestration.scripts.program import Program
from orchestration.scripts.tables import Name

Tie = tuple[exp.Expr, str, Advice]
"""What picks, what it is, and the advice."""
_COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
_KEYS = ("_key", "_id")
_VALUES = ("FIRST_VALUE", "LAST_VALUE")


class Ties:
    """What a whole program tells of ties: the numbers by which rows are picked, and the keys of its own tables."""

    def __init__(self, program: Program) -> None:
        """Read a compiled program, before it is translated."""
        self._picked: set[str] = set()
        self._keys: dict[Name, Keys] = {}
        for action in program.actions:
            for query in queries(action):
                self._picked.update(_compared(query))
            if isinstance(action, Fill):
                self._keys[action.target] = keys_of(action.query, self._keys)
            elif isinstance(action, Create):
                self._keys[action.target] = [frozenset(map(str.lower, key)) for key in action.layout.unique]

    def found(self, query: exp.Query) -> Iterator[Tie]:
        """Yield what picks among rows of a query that its order may not tell apart."""
        for select in query.find_all(exp.Select):
            if select.args.get("limit") is not None or select.args.get("offset") is not None:
                yield from _top(select, self._keys)
            for item in select.expressions:
                yield from self._windows(select, item)

    def _windows(self, select: exp.Select, item: exp.Expr) -> Iterator[Tie]:
        for window in item.find_all(exp.Window):
            name = function_name(window.this)
            order, parts = window.args.get("order"), window.args.get("partition_by") or []
            if order is None or window.parent_select is not select:
                continue
            if name == "ROW_NUMBER" and item.alias.lower() in self._picked:
                kept = [other for other in select.expressions if other is not item]
                yield from _judged(select, window, "ROW_NUMBER() that picks rows", (parts, order, kept), self._keys)
            elif name in _VALUES:
                yield from _judged(select, window, f"{name}()", (parts, order, [window.this]), self._keys)


def _compared(query: exp.Expr) -> Iterator[str]:
    """Yield the columns that a query compares with numbers."""
    for node in query.find_all(*_COMPARISONS):
        sides = [side.unnest() for side in node.iter_expressions()]
        if any(isinstance(side, exp.Literal) and not side.is_string for side in sides):
            yield from (side.name.lower() for side in sides if isinstance(side, exp.Column))


def _top(select: exp.Select, known: Mapping[Name, Keys]) -> Iterator[Tie]:
    limit, order = select.args.get("limit"), select.args.get("order")
    options = limit.args.get("limit_options") if limit is not None else None
    ties = options is not None and options.args.get("with_ties")
    if order is None or ties or select.args.get("distinct") is not None:
        return
    yield from _judged(
        select,
        order,
        "OFFSET" if select.args.get("offset") is not None else "TOP",
        ([], order, select.expressions),
        known,
    )


_Pick = tuple[list[exp.Expr], exp.Expr, list[exp.Expr]]
"""What is partitioned by, the order, and the expressions that are kept."""


def _judged(select: exp.Select, node: exp.Expr, what: str, pick: _Pick, known: Mapping[Name, Keys]) -> Iterator[Tie]:
    parts, order, kept = pick
    ordered = [_meant(item.this, select) for item in order.expressions]
    sorted_by, parted = columns_of(ordered), columns_of(parts)
    told = sorted_by | parted | _fixed(select)
    is_key = any(_is_key(name) for _, name in sorted_by - parted)
    group = select.args.get("group")
    is_grouped = group is not None and columns_of(group.expressions) <= told
    covered = any(key <= told for key in keys_among(select, known))
    start = select.args.get("from_")
    if is_key or is_grouped or covered or start is None or columns_of(kept) <= told:
        return
    listed = ", ".join(as_text(item) for item in ordered)
    why = f"of rows that are alike in {listed} it takes any, and the next time perhaps another."
    yield node, what, Advice(why, _breaker(select, told))


def _meant(value: exp.Expr, select: exp.Select) -> exp.Expr:
    """Return what an ORDER BY sorts by where it names a column of the SELECT list."""
    if isinstance(value, exp.Column) and OWNER not in value.meta:
        named = (item.this for item in select.expressions if item.alias.lower() == value.name.lower())
        return next(named, value)
    place = int(value.name) if isinstance(value, exp.Literal) and value.is_int else 0
    if 0 < place <= len(select.expressions):
        found: exp.Expr = select.expressions[place - 1].unalias()
        return found
    return value


def _fixed(select: exp.Select) -> set[Column]:
    """Return the columns of a query's tables that its WHERE sets equal to what is none of its own."""
    where, fixed = select.args.get("where"), set[Column]()
    own = {alias.lower() for alias in _aliases(select)}
    tests = where.this.flatten() if where is not None and isinstance(where.this, exp.And) else ()
    for test in [*tests, *([where.this] if where is not None else [])]:
        if isinstance(test.unnest(), exp.EQ):
            left, right = (columns_of([side]) for side in (test.unnest().this, test.unnest().expression))
            for side, other in ((left, right), (right, left)):
                if len(side) == 1 and not any(alias in own for alias, _ in other):
                    fixed |= side
    return fixed


def _aliases(select: exp.Select) -> Iterable[str]:
    start = select.args["from_"].this if select.args.get("from_") else None
    sources = [start, *(join.this for join in select.args.get("joins") or [])]
    return [source.alias_or_name for source in sources if source is not None]


def _is_key(name: str) -> bool:
    return name == "id" or name.endswith(_KEYS)


def _breaker(select: exp.Select, told: set[Column]) -> str:
    """Return advice that names a column which tells rows apart, where a table of the query has one."""
    owners: dict[str, Relation] = {}
    for column in select.find_all(exp.Column):
        owner = column.meta.get(OWNER)
        if owner is not None and column.parent_select is select:
            owners.setdefault(owner.alias, owner)
    for owner in owners.values():
        own = f"{owner.table[1] if owner.table else owner.alias}_key"
        names = [item.name for item in owner.fields if (owner.alias.lower(), item.name.lower()) not in told]
        best = sorted((name for name in names if _is_key(name.lower())), key=lambda name: name.lower() != own)
        if best and (best[0].lower() == own or best[0].lower() == "id"):
            return f"End ORDER BY with a key: …, {owner.alias}.{best[0]}."
    return "End ORDER BY with a key, or with columns in which no two rows are alike."
