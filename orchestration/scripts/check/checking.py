"""Checks all scripts below a folder: read, put in order, compiled against the catalogue and each other.

What was found before is taken from the cache; what is new is read and compiled, by several processes where that pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

from orchestration.names import Table
from orchestration.scripts.cache import Cache, digest
from orchestration.scripts.check.across import Across, across
from orchestration.scripts.check.report import CheckedScript, Report
from orchestration.scripts.check.rules import allowed
from orchestration.scripts.check.team import Job, Team
from orchestration.scripts.checks_file import SUFFIX
from orchestration.scripts.facts import Compiled, Document, Edges, plain
from orchestration.scripts.source import Script, find_scripts, read_script
from orchestration.scripts.types import Catalog, Columns


def check(folder: Path, catalog: Catalog, cache: Cache | None = None, processes: int = 1) -> Report:
    """Check every script below a folder, and the checks beside it, against the tables of bronze, silver and gold."""
    with Team(catalog, processes) as team:
        return _Checking(folder, catalog, cache or Cache(), team).report()


@dataclass
class _Checking:
    folder: Path
    catalog: Catalog
    cache: Cache
    team: Team
    known: dict[Table, Columns] = field(default_factory=dict)
    reads: dict[Script, tuple[Table, ...]] = field(default_factory=dict)

    def report(self) -> Report:
        paths = [*find_scripts(self.folder), *sorted(self.folder.rglob(f"*{SUFFIX}"))]
        scripts = [read_script(path) for path in paths]
        edges = dict(zip(scripts, self._read(scripts), strict=True))
        self.reads |= {script: tuple(own.reads) for script, own in edges.items()}
        found = across(edges)
        compiled = dict(self._compiled(found))
        return Report(tuple(self._checked(script, found, compiled) for script in found.order))

    def _checked(self, script: Script, found: Across, compiled: Mapping[Script, Compiled]) -> CheckedScript:
        edges = found.edges[script]
        own = compiled.get(script)
        together = [problem for problem in found.problems if problem.file == script.path]
        problems = [*(own.problems if own else allowed(script, edges.problems)), *together]
        missing = self._missing(script, found)
        return CheckedScript(
            script,
            tuple(edges.reads),
            tuple(edges.writes),
            tuple(sorted(set(problems))),
            own.writes if own else {},
            own.lineage if own else {},
            missing[0] if missing and not problems else None,
        )

    def _read(self, scripts: Sequence[Script]) -> list[Edges]:
        digests = {script: digest("edges", script.text) for script in scripts}
        kept = self.cache.get(digests.values())
        new = [script for script in scripts if digests[script] not in kept]
        read = dict(zip(new, self.team.read(new), strict=True)) if new else {}
        self.cache.keep({digests[script]: edges.document() for script, edges in read.items()})
        return [read.get(script) or Edges.of(kept[digests[script]], script.path) for script in scripts]

    def _compiled(self, found: Across) -> Iterator[tuple[Script, Compiled]]:
        """Compile scripts whose tables are known, those first that no other has to wait for."""
        waiting = TopologicalSorter(found.graph)
        waiting.prepare()
        while waiting.is_active():
            ready = waiting.get_ready()
            usable = [script for script in ready if not self._missing(script, found)]
            jobs = [(script, self._work(script, found)) for script in usable]
            for script, result in zip(usable, self._compile(jobs), strict=True):
                self.known |= result.writes
                yield script, result
            waiting.done(*ready)

    def _missing(self, script: Script, found: Across) -> list[Table]:
        """Return the tables that a script reads, that another should build, and that are not known."""
        return [table for table in found.edges[script].reads if table in found.builders and table not in self.known]

    def _work(self, script: Script, found: Across) -> Catalog:
        """Return what a script sees of finance: the columns of what it reads, and of everything else the name."""
        names: dict[Table, Columns] = {table: {} for table in found.builders}
        return names | {table: self.known[table] for table in found.edges[script].reads if table in self.known}

    def _compile(self, jobs: Sequence[Job]) -> list[Compiled]:
        digests = [self._digest(*job) for job in jobs]
        kept = self.cache.get(digests)
        new = [job for job, wanted in zip(jobs, digests, strict=True) if wanted not in kept]
        results = iter(self.team.compile(new) if new else ())
        found: list[Compiled] = []
        fresh: dict[str, Document] = {}
        for (script, _), wanted in zip(jobs, digests, strict=True):
            if wanted in kept:
                found.append(Compiled.of(kept[wanted], script.path))
            else:
                found.append(next(results))
                fresh[wanted] = found[-1].document()
        self.cache.keep(fresh)
        return found

    def _digest(self, script: Script, work: Catalog) -> str:
        """Return the digest of all that a script's compilation hangs on."""
        reads = {table: work.get(table) or self.catalog.get(table) or {} for table in self.reads[script]}
        unknown = [table for table, columns in reads.items() if not columns]
        names = sorted([*work, *self.catalog]) if unknown else []  # advice names what is near
        tables = [[*table, plain(columns)] for table, columns in sorted(reads.items())]
        return digest("compiled", script.path.name.endswith(SUFFIX), script.text, tables, names)
