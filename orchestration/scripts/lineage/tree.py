"""Writes lineage as a tree of text, as ``tree`` writes folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestration.scripts.lineage.graph import Node


def tree(start: Node, edges: Mapping[Node, Sequence[Node]], unknown: Collection[Node] = ()) -> Iterator[str]:
    """Yield the lines below a node; what was shown in full before is not unfolded again."""
    yield _name(start, unknown)
    yield from _below(start, edges, unknown, "", {start})


def _below(
    node: Node, edges: Mapping[Node, Sequence[Node]], unknown: Collection[Node], margin: str, shown: set[Node]
) -> Iterator[str]:
    following = edges.get(node, ())
    for place, child in enumerate(following, 1):
        is_last = place == len(following)
        again = child in shown and bool(edges.get(child))
        yield f"{margin}{'└── ' if is_last else '├── '}{_name(child, unknown)}{' (see above)' if again else ''}"
        if not again:
            shown.add(child)
            yield from _below(child, edges, unknown, margin + ("    " if is_last else "│   "), shown)


def _name(node: Node, unknown: Collection[Node]) -> str:
    return ".".join(node) + (" (of what, its SQL does not tell)" if node in unknown else "")
