"""What a check says: of every script what it reads, writes and makes its columns of, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.names import Table
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.types import Catalog


@dataclass(frozen=True)
class CheckedScript:
    """One script. ``waits_for`` is a table that it reads and whose own script has errors, so that it was only parsed.

    ``columns`` are those of the tables that it writes, as far as they are known; ``lineage`` what they are made of.
    """

    script: Script
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    problems: tuple[Problem, ...]
    columns: Catalog
    lineage: Mapping[Table, ColumnSources]
    waits_for: Table | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "script": str(self.script.path),
            "reads": [".".join(table) for table in self.reads],
            "writes": {
                ".".join(table): {name: kind.tsql for name, kind in self.columns.get(table, {}).items()}
                for table in self.writes
            },
            "problems": [problem.document for problem in self.problems],
        }


@dataclass(frozen=True)
class Report:
    """All scripts below a folder, in the order in which they read each other; those of circles come last."""

    scripts: tuple[CheckedScript, ...]

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong, by file and line."""
        return sorted(problem for item in self.scripts for problem in item.problems)

    @property
    def columns(self) -> Catalog:
        """The tables of finance, and their columns."""
        return {table: columns for item in self.scripts for table, columns in item.columns.items()}

    def tables(self) -> Iterator[tuple[Table, CheckedScript]]:
        """Yield each table with the script that builds it."""
        for item in self.scripts:
            for table in item.writes:
                yield table, item
