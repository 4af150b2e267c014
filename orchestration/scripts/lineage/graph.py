"""All tables and columns, and what each is made of: scripts, dbt's models, and bronze below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from orchestration.failures import SettingsError
from orchestration.names import FINANCE, Table
from orchestration.scripts.lineage.columns import ColumnSources

Node = tuple[str, ...]
"""A table, or with a third part one of its columns."""


@dataclass(frozen=True)
class Graph:
    """``sources`` has for each table or column those that it is made of; ``unknown`` those of which nobody can tell."""

    sources: Mapping[Node, Sequence[Node]]
    unknown: frozenset[Node] = frozenset()

    def readers(self) -> dict[Node, list[Node]]:
        """Return the graph the other way round: for each table or column those that are made of it."""
        found: dict[Node, list[Node]] = {}
        for node, sources in self.sources.items():
            for source in sources:
                found.setdefault(source, []).append(node)
        return {node: sorted(made) for node, made in found.items()}

    def around(self, starts: Iterable[Node], *, downstream: bool = False) -> dict[Node, Sequence[Node]]:
        """Return some nodes and all that lies on one side of them, each with its next ones."""
        edges = self.readers() if downstream else self.sources
        found: dict[Node, Sequence[Node]] = {}
        waiting = list(starts)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = edges.get(node, ())
                waiting += found[node]
        return found

    def find(self, text: str) -> Node | None:
        """Return the table or column of a name, or ``None``; ``finance.`` may be left out."""
        names = self._names()
        return names.get(text.lower()) or names.get(f"{FINANCE}.{text.lower()}")

    def _names(self) -> dict[str, Node]:
        nodes = {*self.sources, *(source for sources in self.sources.values() for source in sources)}
        return {".".join(node).lower(): node for node in nodes}

    def named(self, text: str) -> Node:
        """Return the table or column of a name; ``finance.`` may be left out.

        Raises:
            SettingsError: there is none; names those that are near.
        """
        found = self.find(text)
        if found is not None:
            return found
        near = get_close_matches(text.lower(), self._names(), n=3, cutoff=0.6)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "Write schema.table or schema.table.column."
        raise SettingsError(f"There is no {text}.", remedy)


def table_graph(reads: Mapping[Table, Iterable[Table]], unknown: Iterable[Table] = ()) -> Graph:
    """Return the graph of tables: for each the others that it is built from; an incremental model reads itself."""
    return Graph({table: sorted({*found} - {table}) for table, found in reads.items()}, frozenset(unknown))


def column_graph(tables: Mapping[Table, Iterable[str]], lineage: Mapping[Table, ColumnSources]) -> Graph:
    """Return the graph of columns; a column that ``lineage`` does not name is unknown."""
    sources: dict[Node, Sequence[Node]] = {}
    unknown: set[Node] = set()
    for table, columns in tables.items():
        for column in columns:
            node = (*table, column)
            known = lineage.get(table, {}).get(column)
            sources[node] = sorted((*read, name) for read, name in known or ())
            if known is None:
                unknown.add(node)
    return Graph(_one_spelling(sources), frozenset(unknown))


def _one_spelling(sources: Mapping[Node, Sequence[Node]]) -> dict[Node, Sequence[Node]]:
    """Write every column as its own table does: scripts may write it otherwise."""
    spelled = {tuple(part.lower() for part in node): node for node in sources}
    return {
        node: [spelled.get(tuple(part.lower() for part in source), source) for source in found]
        for node, found in sources.items()
    }
