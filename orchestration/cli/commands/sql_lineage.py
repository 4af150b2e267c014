"""``strata sql lineage``: what a table or a column is made of, down to bronze, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.cli.scripts_checked import checked, described, scripts_folder
from orchestration.failures import SettingsError
from orchestration.names import BRONZE_PREFIX, FINANCE, Table
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.lineage.drawing import draw
from orchestration.scripts.lineage.graph import Graph, Node, column_graph, table_graph
from orchestration.scripts.lineage.tree import tree
from orchestration.settings import Settings, load_settings


def lineage(
    name: Annotated[str, typer.Argument(help="A table, or table.column; by default every table of finance.")] = "",
    downstream: Annotated[
        bool, typer.Option("--downstream/--upstream", help="What is made of it, or what it is made of.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw a picture into this file.")] = None,
) -> None:
    """Show what a table or a column is made of: through the scripts, #tables and CTEs, and dbt's models, to bronze."""
    tables, columns = _graphs(load_settings())
    start = _start(name, tables, columns)
    graph = columns if start is not None and len(start) > 2 else tables
    starts = [start] if start else sorted(node for node in graph.sources if node[0] == FINANCE)
    edges = graph.around(starts, downstream=downstream)
    if svg:
        drawn = (
            edges
            if not downstream
            else {node: [n for n in graph.sources.get(node, ()) if n in edges] for node in edges}
        )
        svg.write_text(draw(drawn), encoding="utf-8")
        say(f"written: {svg}")
    if as_json:
        found = {".".join(node): [".".join(next_) for next_ in following] for node, following in sorted(edges.items())}
        partial = sorted(".".join(node) for node in graph.unknown if node in edges)
        print_json({"direction": "downstream" if downstream else "upstream", "edges": found, "unknown": partial})
    elif not svg:
        for node in starts:
            for line in tree(node, edges, graph.unknown):
                say(line)


def _start(name: str, tables: Graph, columns: Graph) -> Node | None:
    """Return the table, or else the column, that a name means."""
    if not name:
        return None
    found = tables.find(name) or columns.find(name)
    of, _, column = name.rpartition(".")
    if found is None and (table := tables.find(of)) is not None:
        own = [node[2] for node in columns.sources if node[:2] == table]
        raise SettingsError(f"{'.'.join(table)} has no column {column}.", f"It has {', '.join(own)}.")
    return found or tables.named(name)


def _graphs(settings: Settings) -> tuple[Graph, Graph]:
    """Return the graphs of all tables and of all columns; bronze is made of nothing that is known here."""
    known = described(settings)
    report = checked(settings, scripts_folder(settings), known.columns)
    bronze = {table: columns for table, columns in known.columns.items() if table[0].startswith(BRONZE_PREFIX)}
    lineage: dict[Table, ColumnSources] = {table: dict.fromkeys(columns, ()) for table, columns in bronze.items()}
    lineage |= known.lineage
    for item in report.scripts:
        lineage |= item.lineage
    reads: dict[Table, Iterable[Table]] = {**dict.fromkeys(bronze, ()), **known.reads}
    reads |= {table: item.reads for table, item in report.tables()}
    unknown = set(known.columns) - set(reads)
    return table_graph(reads, unknown), column_graph({**known.columns, **report.columns}, lineage)
