"""What a script reads and writes, from its text alone: the edges of the asset graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, Table
from orchestration.scripts.lineage.ordering import in_order
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, find_scripts, read_script


@dataclass(frozen=True)
class Lineage:
    """One script's edges; one without a table of its own writes the table of its file's name.

    ``problems`` are what keeps it from being run, as far as its text tells.
    """

    script: Script
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...] = ()


def lineage(script: Script) -> Lineage:
    """Return what one script reads and writes; it never fails, so that a broken script is an asset with an error."""
    return edges(outline(script))


def edges(outlined: Outline) -> Lineage:
    """Return the edges of a script that is read already."""
    script = outlined.script
    errors = tuple(problem for problem in outlined.problems if problem.severity == "error")
    return Lineage(script, outlined.reads, outlined.writes or ((FINANCE, script.name.lower()),), errors)


def lineages(scripts_dir: Path) -> list[Lineage]:
    """Return the edges of every script below a folder, those that read another's table after it.

    Raises:
        ScriptRefused: scripts read each other in a circle.
    """
    found: dict[Path, Lineage] = {}
    owners: dict[Table, Path] = {}
    for item in (lineage(read_script(path)) for path in find_scripts(scripts_dir)):
        taken = [table for table in item.writes if table in owners]
        if taken:
            first = found[owners[taken[0]]]
            problem = _second(item, first, taken[0])
            found[first.script.path] = replace(first, problems=(*first.problems, problem))
        else:
            found[item.script.path] = item
            owners |= dict.fromkeys(item.writes, item.script.path)
    graph = {path: sorted({owners[read] for read in item.reads if read in owners}) for path, item in found.items()}
    order, circles = in_order(graph)
    for circle in circles:
        names = " → ".join(".".join(found[path].writes[0]) for path in [*circle, circle[0]])
        raise ScriptRefused(f"Scripts read each other in a circle: {names}.", "Take one of them apart.")
    return [found[path] for path in order]


def _second(item: Lineage, other: Lineage, table: Table) -> Problem:
    """Return the problem of two scripts that build one table; neither is run, because nobody could say which counts."""
    name, why = ".".join(table), f"{other.script.path} builds the same table."
    return Problem(item.script.path, 1, 1, f"a second script for {name}", why, "Give one of the tables another name.")
