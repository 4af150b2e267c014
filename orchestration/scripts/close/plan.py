"""What a close runs: every script below the folder, in the order in which they read each other, with its checks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from orchestration.failures import ScriptRefused
from orchestration.names import Table
from orchestration.scripts.checks_file import SUFFIX, Check, read_checks
from orchestration.scripts.lineage import Lineage, lineages
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script

PLATFORM_OWNER = "platform"


@dataclass(frozen=True)
class PlannedScript:
    """One script with its edges; one that cannot be run has ``problems``. ``name`` is its path below the folder.

    ``rivalry`` are those of its problems that are about other scripts which build its tables.
    """

    script: Script
    name: str
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...]
    checks: tuple[Check, ...]
    rivalry: tuple[Problem, ...] = ()

    @property
    def owner(self) -> str:
        """Who is told."""
        return self.script.header.owner or PLATFORM_OWNER


@dataclass(frozen=True)
class Plan:
    """All scripts in order, and files of checks that no script stands beside."""

    scripts: tuple[PlannedScript, ...]
    orphans: tuple[Path, ...] = ()

    @property
    def tables(self) -> list[Table]:
        """The tables that the scripts build, in order."""
        return [table for script in self.scripts for table in script.writes]

    def rivals(self, script: PlannedScript) -> dict[Table, list[str]]:
        """Return the tables of a script that others build too, with the others' names."""
        return {
            table: found
            for table in script.writes
            if (found := [other.name for other in self.scripts if table in other.writes and other != script])
        }

    def readers(self, tables: tuple[Table, ...]) -> list[PlannedScript]:
        """Return the scripts that read any of these tables."""
        return [script for script in self.scripts if set(script.reads) & set(tables)]


def read_plan(folder: Path) -> Plan:
    """Read every script below a folder; one that cannot be run tells its problems."""
    found = [_planned(item, folder) for item in lineages(folder)]
    known = {item.script.path for item in found}
    orphans = [path for path in sorted(folder.rglob(f"*{SUFFIX}")) if _script_of(path) not in known]
    return Plan(tuple(found), tuple(orphans))


def _planned(item: Lineage, folder: Path) -> PlannedScript:
    path = item.script.path
    name = path.relative_to(folder).as_posix()
    return PlannedScript(item.script, name, item.reads, item.writes, item.problems, read_checks(path), item.rivalry)


def _script_of(checks: Path) -> Path:
    return checks.with_name(checks.name.removesuffix(SUFFIX) + ".sql")


def require_fresh(script: PlannedScript, failed: Collection[Table]) -> None:
    """Refuse a script that reads a table which could not be built: its own would mix two days.

    Raises:
        ScriptRefused: names the table.
    """
    if stale := [table for table in script.reads if table in failed]:
        message = f"{script.script.path}: {'.'.join(stale[0])}, which it reads, could not be built."
        raise ScriptRefused(message, "See what its script says.")
