"""Which parts of a clause may be written: what nobody looks at would be lost without a word."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.binding.scope import Finding
from orchestration.scripts.constructs import Advice

_QUERY = frozenset({"with_", "order", "limit", "offset", "options"})
_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: _QUERY | {"expressions", "distinct", "into", "from_", "joins", "where", "group", "having"},
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _QUERY | {"this", "expression", "distinct"}),
    exp.Subquery: frozenset({"this", "alias", "joins", "pivots", "with_"}),
    exp.Table: frozenset({"this", "alias", "db", "joins", "pivots", "hints"}),
    exp.Join: frozenset({"this", "on", "side", "kind"}),
    exp.Lateral: frozenset({"this", "alias", "cross_apply"}),
    exp.Values: frozenset({"expressions", "alias", "pivots"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Group: frozenset({"expressions", "rollup", "cube", "grouping_sets"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.Order: frozenset({"this", "expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression", "limit_options"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.Is: frozenset({"this", "expression"}),
    exp.GroupConcat: frozenset({"this", "separator"}),
    exp.Trim: frozenset({"this", "expression"}),
    exp.Star: frozenset(),
    exp.In: frozenset({"this", "expressions", "query"}),
}
_HINTS = Advice("hints change no result, but how a server finds it, and only on some of them.", "Leave it out.")
_UNKNOWN = Advice("it is not on the list of what gives the same result on every engine.", "Leave it out.")
_WORDS = {"for_": "FOR …", "windows": "WINDOW", "sample": "TABLESAMPLE", "version": "FOR SYSTEM_TIME", "hint": "a hint"}
_OPTIONS = frozenset({"MAXRECURSION"})
_RANGE = Advice("SQL Server's RANGE ends at UNBOUNDED or CURRENT ROW alone.", "Write ROWS, or a join over the days.")


def misshapen(tree: exp.Expr) -> Iterator[Finding]:
    """Yield the parts of a statement that translation does not know."""
    for node in tree.walk():
        allowed = _PARTS.get(type(node))
        if allowed is not None:
            for name, part in node.args.items():
                if part and name not in allowed:
                    word = _WORDS.get(name, name.strip("_").replace("_", " ").upper())
                    yield node, word, _HINTS if name == "hint" else _UNKNOWN
        if isinstance(node, exp.WindowSpec) and node.text("kind").upper() != "ROWS" and _ends_at_value(node):
            yield node, f"{node.text('kind').upper()} … PRECEDING", _RANGE
        elif isinstance(node, exp.QueryOption) and node.name.upper() not in _OPTIONS:
            yield node, f"OPTION ({node.name})", _HINTS


def _ends_at_value(frame: exp.Expr) -> bool:
    """Say whether a frame is counted by anything but rows and its group's ends."""
    ends = [frame.args.get(name) or "" for name in ("start", "end")]
    return any(isinstance(end, exp.Expr) or str(end).upper() not in ("UNBOUNDED", "CURRENT ROW", "") for end in ends)
