"""Draws lineage as SVG: what is read stands left of what is made of it, columns of one table in one box.

Boxes stand in layers by their longest way from what is read first, and within a layer where their neighbours are, so
that few lines cross.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from orchestration.scripts.lineage.graph import Node
from orchestration.scripts.lineage.ordering import in_order

_LINE, _GAP_X, _GAP_Y, _PAD, _LETTER = 18, 90, 14, 10, 7.3
_COLOURS = {"bronze": "#b9774a", "silver": "#7d8a97", "gold": "#c79a1e", "finance": "#2f7d5b"}
_STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1c2530}"
    ".table{font-weight:bold}.box{fill:#fff;stroke-width:1.5}.wire{fill:none;stroke:#8a97a5;stroke-width:1.2;opacity:.7}"
)


@dataclass
class _Box:
    """One table with the columns that are shown of it."""

    table: Node
    rows: list[str]
    layer: int = 0
    x: float = 0
    y: float = 0

    @property
    def width(self) -> float:
        """Return the width that its longest text needs."""
        return max(len(text) for text in (".".join(self.table), *self.rows)) * _LETTER + 2 * _PAD

    @property
    def height(self) -> float:
        """Return the height of its lines."""
        return (1 + len(self.rows)) * _LINE + _PAD

    def row(self, node: Node) -> float:
        """Return where a line to one of its columns, or to itself, ends."""
        place = 1 + self.rows.index(node[2]) if len(node) > 2 else 0
        return self.y + _PAD / 2 + (place + 0.5) * _LINE


def draw(edges: Mapping[Node, Sequence[Node]]) -> str:
    """Return an SVG of a graph whose edges lead from what is made to what it is made of."""
    boxes = _boxes(edges)
    _place(boxes, edges)
    wires = [_wire(boxes, source, made) for made, sources in edges.items() for source in sources]
    width = max((box.x + box.width for box in boxes.values()), default=0) + _PAD
    height = max((box.y + box.height for box in boxes.values()), default=0) + _PAD
    parts = [*wires, *(_drawn(box) for box in boxes.values())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}">\n<style>{_STYLE}</style>\n<rect width="100%" height="100%" fill="#f6f8fa"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _boxes(edges: Mapping[Node, Sequence[Node]]) -> dict[Node, _Box]:
    boxes: dict[Node, _Box] = {}
    for node in dict.fromkeys([*edges, *(source for sources in edges.values() for source in sources)]):
        box = boxes.setdefault(node[:2], _Box(node[:2], []))
        if len(node) > 2:
            box.rows.append(node[2])
    return boxes


def _place(boxes: Mapping[Node, _Box], edges: Mapping[Node, Sequence[Node]]) -> None:
    """Give every box its layer, and in it a place near those that it is connected with."""
    reads: dict[Node, set[Node]] = {table: set() for table in boxes}
    for made, sources in edges.items():
        reads[made[:2]].update(source[:2] for source in sources if source[:2] != made[:2])
    made_of = {table: {made for made, found in reads.items() if table in found} for table in boxes}
    layers = _layers(boxes, reads, made_of)
    x: float = _PAD
    for layer in layers:
        for box in layer:
            box.x = x
        x += max(box.width for box in layer) + _GAP_X
        _stack(layer, layers)
    for neighbours, order in ((reads, layers), (made_of, layers[::-1])) * 4:
        for layer in order:
            middles = {box.table: _middle(box, [boxes[table] for table in neighbours[box.table]]) for box in layer}
            layer.sort(key=lambda box, at=middles: at[box.table])  # type: ignore[misc]  # mypy knows no default of a lambda
            _stack(layer, layers)


def _layers(
    boxes: Mapping[Node, _Box], reads: Mapping[Node, set[Node]], made_of: Mapping[Node, set[Node]]
) -> list[list[_Box]]:
    """Return the boxes from left to right: right of all that each reads, and then as near to its readers as may be."""
    order = in_order({table: sorted(found) for table, found in reads.items()})[0]
    for table in order:
        boxes[table].layer = max((boxes[read].layer + 1 for read in reads[table]), default=0)
    for table in reversed(order):
        boxes[table].layer = min((boxes[made].layer - 1 for made in made_of[table]), default=boxes[table].layer)
    numbers = sorted({box.layer for box in boxes.values()})
    return [[box for box in boxes.values() if box.layer == number] for number in numbers]


def _middle(box: _Box, near: Collection[_Box]) -> float:
    return sum(other.y + other.height / 2 for other in near) / len(near) if near else box.y + box.height / 2


def _stack(layer: Sequence[_Box], layers: Sequence[Sequence[_Box]]) -> None:
    """Put a layer's boxes below each other, in the middle of the picture's height."""
    y = _PAD + (max(map(_height, layers)) - _height(layer)) / 2
    for box in layer:
        box.y = y
        y += box.height + _GAP_Y


def _height(layer: Sequence[_Box]) -> float:
    return sum(box.height + _GAP_Y for box in layer) - _GAP_Y


def _wire(boxes: Mapping[Node, _Box], source: Node, made: Node) -> str:
    start, end = boxes[source[:2]], boxes[made[:2]]
    x1, y1, x2, y2 = start.x + start.width, start.row(source), end.x, end.row(made)
    bend = max(40.0, (x2 - x1) / 2)
    curve = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return f'<path class="wire" d="{curve}"/>'


def _drawn(box: _Box) -> str:
    colour = next((value for layer, value in _COLOURS.items() if box.table[0].startswith(layer)), "#555")
    lines = [f'<text class="table" x="{box.x + _PAD:.0f}" y="{box.y + _LINE:.0f}">{escape(".".join(box.table))}</text>']
    for place, text in enumerate(box.rows, 2):
        lines.append(f'<text x="{box.x + _PAD:.0f}" y="{box.y + place * _LINE:.0f}">{escape(text)}</text>')
    frame = (
        f'<rect class="box" x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" '
        f'rx="4" stroke="{colour}"/><rect x="{box.x:.0f}" y="{box.y:.0f}" width="4" height="{box.height:.0f}" '
        f'fill="{colour}"/>'
    )
    return frame + "".join(lines)
