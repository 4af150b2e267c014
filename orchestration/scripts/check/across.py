"""What is wrong with scripts together: two that build one table, and those that read each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.names import Table
from orchestration.scripts.facts import Edges
from orchestration.scripts.lineage.ordering import in_order
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, as_written_here


@dataclass(frozen=True)
class Across:
    """All scripts in order. ``graph`` has those that each reads, circles taken apart; ``builders`` who builds what."""

    order: Sequence[Script]
    graph: Mapping[Script, Sequence[Script]]
    edges: Mapping[Script, Edges]
    builders: Mapping[Table, Script]
    problems: Sequence[Problem]


def across(edges: Mapping[Script, Edges]) -> Across:
    """Put scripts in order by what their texts say."""
    builders: dict[Table, Script] = {}
    for script, own in edges.items():
        for table in own.writes:
            builders.setdefault(table, script)
    graph = {
        script: list(dict.fromkeys(builders[table] for table in own.reads if table in builders))
        for script, own in edges.items()
    }
    order, circles = in_order(graph)
    problems = [*_twice(edges), *(problem for circle in circles for problem in _circle(circle, edges, builders))]
    for circle in circles:
        for script in circle:
            graph[script] = [read for read in graph[script] if read not in circle]
    return Across(order, graph, edges, builders, problems)


def _twice(edges: Mapping[Script, Edges]) -> Iterator[Problem]:
    builders: dict[Table, list[Script]] = {}
    for script, own in edges.items():
        for table in own.writes:
            builders.setdefault(table, []).append(script)
    for table, scripts in builders.items():
        for script in scripts if len(scripts) > 1 else ():
            others = ", ".join(as_written_here(other.path) for other in scripts if other is not script)
            what, place = f"a second script for {'.'.join(table)}", edges[script].writes[table]
            why, instead = f"{others} builds the same table.", "Give one of the tables another name."
            yield Problem(script.path, *place, what, why, instead)


def _circle(
    circle: Sequence[Script], edges: Mapping[Script, Edges], builders: Mapping[Table, Script]
) -> Iterator[Problem]:
    """Return a problem for every script of a circle, where it reads the next one's table."""
    pairs = zip(circle, [*circle[1:], circle[0]], strict=True)
    tables = [next(table for table in edges[one].reads if builders.get(table) is other) for one, other in pairs]
    why = f"scripts read each other's tables: {' → '.join('.'.join(table) for table in [*tables, tables[0]])}."
    for script, table in zip(circle, tables, strict=True):
        what, place = f"{'.'.join(table)} in a circle", edges[script].reads[table]
        yield Problem(script.path, *place, what, why, "Take what both need into a script of its own.")
