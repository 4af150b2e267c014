"""What a script reads and writes, from its text alone: the edges of the asset graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.names import FINANCE, Table
from orchestration.scripts.lineage.ordering import in_order
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, as_written_here, find_scripts, read_script
from orchestration.scripts.statements import Kind, made_by
from orchestration.scripts.tables import name_of

Place = tuple[int, int]
"""Line and column."""


@dataclass(frozen=True)
class Lineage:
    """One script's edges; one without a table of its own writes the table of its file's name.

    ``problems`` are what keeps it from being run, as far as its text tells; ``rivalry`` those among them that end
    where one of several scripts for a table is known to be the right one.
    """

    script: Script
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...] = ()
    rivalry: tuple[Problem, ...] = ()
    places: Mapping[Table, Place] = field(default_factory=dict)


def lineage(script: Script) -> Lineage:
    """Return what one script reads and writes; it never fails, so that a broken script is an asset with an error."""
    return edges(outline(script))


def edges(outlined: Outline) -> Lineage:
    """Return the edges of a script that is read already."""
    script = outlined.script
    errors = tuple(problem for problem in outlined.problems if problem.severity == "error")
    writes = outlined.writes or ((FINANCE, script.name.lower()),)
    return Lineage(script, outlined.reads, writes, errors, (), places_read(outlined) | places_made(outlined))


def lineages(scripts_dir: Path) -> list[Lineage]:
    """Return the edges of every script below a folder, those that read another's table after it.

    Scripts that build one table, and scripts that read each other in a circle, have that among their problems.
    """
    found = {path: lineage(read_script(path)) for path in find_scripts(scripts_dir)}
    owners: dict[Table, list[Path]] = {}
    for path, item in found.items():
        for table in item.writes:
            owners.setdefault(table, []).append(path)
    graph = {
        path: sorted({owner for read in item.reads for owner in owners.get(read, ())}) for path, item in found.items()
    }
    order, circles = in_order(graph)
    for circle in circles:
        for path, problem in _circle([found[path] for path in circle]):
            found[path] = replace(found[path], problems=(*found[path].problems, problem))
    return [_among(found[path], owners) for path in order]


def _among(item: Lineage, owners: Mapping[Table, Sequence[Path]]) -> Lineage:
    """Add that other scripts build a script's tables too."""
    rivalry = tuple(
        _second(item, table, [path for path in owners[table] if path != item.script.path])
        for table in item.writes
        if len(owners[table]) > 1
    )
    return replace(item, problems=(*item.problems, *rivalry), rivalry=rivalry)


def _second(item: Lineage, table: Table, others: Sequence[Path]) -> Problem:
    builds = "builds the same table" if len(others) == 1 else "build the same table"
    named = ", ".join(map(as_written_here, others))
    why = f"{named} {builds}, and where readers do not have it from one of them, none is run."
    what, place = f"a second script for {'.'.join(table)}", item.places.get(table, (1, 1))
    return Problem(item.script.path, *place, what, why, "Give one of the tables another name.")


def _circle(circle: Sequence[Lineage]) -> Iterator[tuple[Path, Problem]]:
    """Yield a problem for every script of a circle, where it reads the next one's table."""
    pairs = zip(circle, [*circle[1:], circle[0]], strict=True)
    tables = [next(table for table in one.reads if table in other.writes) for one, other in pairs]
    why = f"scripts read each other's tables: {' → '.join('.'.join(table) for table in [*tables, tables[0]])}."
    for item, table in zip(circle, tables, strict=True):
        what, place = f"{'.'.join(table)} in a circle", item.places.get(table, (1, 1))
        yield (
            item.script.path,
            Problem(item.script.path, *place, what, why, "Take what both need into a script of its own."),
        )


def places_read(found: Outline) -> dict[Table, Place]:
    """Return where each table that a script reads is named first."""
    wanted = set(found.reads)
    places: dict[Table, Place] = {}
    for statement in found.statements:
        for node in statement.tables if statement.kind is not Kind.DROP else ():
            name = name_of(node)
            if isinstance(name, tuple) and name in wanted and name not in places:
                places[name] = place_of(found.script, node, statement.place)
    return places


def places_made(found: Outline) -> dict[Table, Place]:
    """Return where each table of a script is made."""
    made = [(made_by(statement), statement.place) for statement in found.statements]
    places = {name_of(node): place for node, place in made if node is not None}
    return {table: places.get(table, (1, 1)) for table in found.writes}
