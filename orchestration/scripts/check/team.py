"""Reads and compiles many scripts, in this process or in several: each keeps what it has read until it is compiled."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from orchestration.names import Table
from orchestration.scripts.check.habits import habits
from orchestration.scripts.check.rules import allowed
from orchestration.scripts.checks_file import SUFFIX, read_checks
from orchestration.scripts.facts import Compiled, Edges, Place
from orchestration.scripts.lineage.columns import column_lineage
from orchestration.scripts.lineage.edges import places_made, places_read
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.program import compile_outline
from orchestration.scripts.source import Script, is_checks
from orchestration.scripts.tables import name_of
from orchestration.scripts.types import Catalog

Item = TypeVar("Item")
Result = TypeVar("Result")
_WORTH_PROCESSES = 24
Job = tuple[Script, Catalog]
"""A script to compile, and the tables of finance that it may read: one whose columns are unknown has none."""


class Member:
    """Reads and compiles in this process."""

    def __init__(self, catalog: Catalog) -> None:
        """Compile against the tables of bronze, silver and gold."""
        self._catalog = catalog
        self._known: dict[Script, tuple[list[Outline], tuple[Problem, ...]]] = {}

    def read(self, scripts: Sequence[Script]) -> list[Edges]:
        """Return what each script reads and writes."""
        return [self._read(script) for script in scripts]

    def compile(self, jobs: Sequence[Job]) -> list[Compiled]:
        """Return what compiling each script finds, warnings that are allowed left out."""
        return [self._compile(*job) for job in jobs]

    def _read(self, script: Script) -> Edges:
        outlines, problems = _outlines(script)
        self._known[script] = outlines, problems
        reads = {table: place for found in outlines for table, place in _reads(found).items()}
        if is_checks(script.path):
            return Edges(reads, {}, (*problems, *(problem for found in outlines for problem in found.problems)))
        return Edges(reads, places_made(outlines[0]), outlines[0].problems)

    def _compile(self, script: Script, work: Catalog) -> Compiled:
        known = self._known.pop(script) if script in self._known else _outlines(script)
        outlines, problems = known
        programs = [compile_outline(outlined, self._catalog, work) for outlined in outlines]
        found = [
            item for program in programs for item in _as_written(program.script, (*program.problems, *habits(program)))
        ]
        own = allowed(script, [*problems, *found])
        if is_checks(script.path):
            return Compiled(problems=own)
        (program,) = programs
        return Compiled(dict(program.writes), column_lineage(program), own)


def _reads(found: Outline) -> dict[Table, Place]:
    """Return where each table is read first; one of another database by all parts of its name."""
    nodes = [node for statement in found.statements for node in statement.tables if node.catalog]
    parts = {name_of(node): [part.name.lower() for part in node.parts] for node in nodes}
    whole = {name: (".".join(names[:-1]), names[-1]) for name, names in parts.items()}
    return {whole.get(table, table): place for table, place in places_read(found).items()}


def _outlines(script: Script) -> tuple[list[Outline], tuple[Problem, ...]]:
    """Return a script's outline, or those of the checks in its file, and what is wrong before any can be read."""
    if not is_checks(script.path):
        return [outline(script)], ()
    beside = script.path.with_name(script.path.name.removesuffix(SUFFIX) + ".sql")
    checks = read_checks(beside)
    problems = [problem for check in checks for problem in check.problems]
    if not beside.exists():
        problems.append(Problem(script.path, 1, 1, "checks of no script", f"there is no {beside.name}.", "Rename it."))
    elif not checks:
        instead = "Write SELECT … FROM …, which returns the offending rows, or delete the file."
        problems.append(Problem(script.path, 1, 1, "no check", "the file has no SELECT.", instead))
    return [outline(check.query) for check in checks if not check.problems], tuple(problems)


def _as_written(query: Script, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems of a check's query where they are in its file: without the INTO that was put before FROM."""
    inserted = re.search(r'INTO finance\."check \d+" ', query.text) if is_checks(query.path) else None
    line, column = query.place(inserted.start()) if inserted else (0, 0)
    for problem in problems:
        moved = len(inserted[0]) if inserted and problem.line == line and problem.column > column else 0
        yield replace(problem, column=problem.column - moved)


_MEMBER: list[Member] = []
"""This process's member, where it is one of a team's."""


def _join(catalog: Catalog) -> None:
    gc.disable()  # trees are many small objects that live together; a check ends before they pile up
    _MEMBER[:] = [Member(catalog)]


def _read(scripts: Sequence[Script]) -> list[Edges]:
    return _MEMBER[0].read(scripts)


def _compile(jobs: Sequence[Job]) -> list[Compiled]:
    return _MEMBER[0].compile(jobs)


class Team:
    """Deals scripts out to members, in processes of their own or in this one; who reads a script compiles it too."""

    def __init__(self, catalog: Catalog, processes: int) -> None:
        """Work against a catalogue; processes begin with the first script."""
        self._catalog, self._wanted = catalog, processes
        self._alone = Member(catalog)
        self._pools: list[ProcessPoolExecutor] = []
        self._dealt: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Return the team."""
        return self

    def __exit__(self, *_: object) -> None:
        """End its processes."""
        for pool in self._pools:
            pool.shutdown()

    def read(self, scripts: Sequence[Script]) -> list[Edges]:
        """Return what each script reads and writes, in their order."""
        if not self._is_shared(scripts):
            return self._alone.read(scripts)
        return self._spread(_read, scripts, [script.path for script in scripts])

    def compile(self, jobs: Sequence[Job]) -> list[Compiled]:
        """Return what compiling each script finds, in their order."""
        if not self._is_shared(jobs):
            return self._alone.compile(jobs)
        return self._spread(_compile, jobs, [script.path for script, _ in jobs])

    def _is_shared(self, work: Sequence[object]) -> bool:
        """Say whether processes do it: to begin them takes as long as a few scripts."""
        if not self._pools and self._wanted > 1 and len(work) >= _WORTH_PROCESSES:
            begin = partial(ProcessPoolExecutor, 1, initializer=_join, initargs=(self._catalog,))
            self._pools = [begin() for _ in range(self._wanted)]
        return bool(self._pools)

    def _spread(
        self, task: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], paths: Sequence[Path]
    ) -> list[Result]:
        hands: list[list[int]] = [[] for _ in self._pools]
        for number, path in enumerate(paths):
            hands[self._dealt.setdefault(path, len(self._dealt) % len(hands))].append(number)
        waiting = [
            pool.submit(task, [items[number] for number in hand]) for pool, hand in zip(self._pools, hands, strict=True)
        ]
        found: dict[int, Result] = {}
        for hand, future in zip(hands, waiting, strict=True):
            found |= zip(hand, future.result(), strict=True)
        return [found[number] for number in range(len(items))]
