"""Puts what reads each other in order, and names what reads itself by way of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

Node = TypeVar("Node")


def in_order(graph: Mapping[Node, Collection[Node]]) -> tuple[list[Node], list[list[Node]]]:
    """Return the nodes, each after those that it reads, and the circles; in a circle nothing counts as read.

    Of a circle each node reads the next, and the last the first.
    """
    reads = {node: list(found) for node, found in graph.items()}
    circles: list[list[Node]] = []
    while True:
        try:
            return list(TopologicalSorter(reads).static_order()), circles
        except CycleError as error:
            circle: list[Node] = error.args[1][:0:-1]
            circles.append(circle)
            for node in circle:
                reads[node] = [read for read in reads[node] if read not in circle]
