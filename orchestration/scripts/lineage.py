"""What a script reads and writes, from its text alone: the edges of the asset graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from sqlglot import exp

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, Table
from orchestration.scripts.check import Checked, check_script
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, find_scripts, read_script


@dataclass(frozen=True)
class Lineage:
    """One script's edges; a script that cannot be run has its problems and writes the table of its file's name."""

    script: Script
    reads: tuple[Table, ...]
    writes: Table
    problems: tuple[Problem, ...] = ()


def lineage(script: Script) -> Lineage:
    """Return what one script reads and writes; it never fails, so that a broken script is an asset with an error."""
    return edges(check_script(script))


def edges(checked: Checked) -> Lineage:
    """Return the edges of a script that is checked already."""
    writes = checked.target or (FINANCE, checked.script.name)
    return Lineage(checked.script, read_tables(checked.select), writes, checked.problems)


def lineages(scripts_dir: Path) -> list[Lineage]:
    """Return the edges of every script below a folder, those that read another's table after it."""
    found: dict[Table, Lineage] = {}
    for item in (lineage(read_script(path)) for path in find_scripts(scripts_dir)):
        other = found.setdefault(item.writes, item)
        if other is not item:
            found[item.writes] = replace(other, problems=(*other.problems, _second(item, other)))
    graph = {table: [read for read in item.reads if read in found] for table, item in found.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(".".join(table) for table in error.args[1])
        raise ScriptRefused(f"Scripts read each other in a circle: {circle}.", "Take one of them apart.") from None
    return [found[table] for table in order]


def _second(item: Lineage, other: Lineage) -> Problem:
    """Return the problem of two scripts that build one table; neither is run, because nobody could say which counts."""
    table = ".".join(item.writes)
    why = f"{other.script.path} builds the same table."
    return Problem(item.script.path, 1, 1, f"a second script for {table}", why, "Give one of the tables another name.")


def read_tables(select: exp.Select | None) -> tuple[Table, ...]:
    """Return the tables that a SELECT … INTO reads, without its CTEs and its target, in the order of their names."""
    if select is None:
        return ()
    tables = (node for node in select.find_all(exp.Table) if node.db and not isinstance(node.parent, exp.Into))
    return tuple(sorted({(table.db.lower(), table.name.lower()) for table in tables}))
