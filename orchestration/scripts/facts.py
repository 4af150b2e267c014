"""What is kept of a script's check: plain values, to and from JSON, without the place where the file lay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.names import Table
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.problems import Problem
from orchestration.scripts.types import Catalog, Columns, SqlType

Place = tuple[int, int]
Document = Any
"""What JSON can hold."""


@dataclass(frozen=True)
class Edges:
    """What a script's text says it reads and writes, each with the place where it first does, and what is wrong."""

    reads: Mapping[Table, Place]
    writes: Mapping[Table, Place]
    problems: tuple[Problem, ...]

    def document(self) -> Document:
        """Return it for JSON."""
        tables = [[[*table, *place] for table, place in found.items()] for found in (self.reads, self.writes)]
        return [*tables, _problems(self.problems)]

    @staticmethod
    def of(document: Document, path: Path) -> Edges:
        """Read it back for a file."""
        reads, writes = ({(s, t): (line, column) for s, t, line, column in found} for found in document[:2])
        return Edges(reads, writes, _read_problems(document[2], path))


@dataclass(frozen=True)
class Compiled:
    """What compiling a script found: its tables' columns, of what each is made, and everything that is wrong."""

    writes: Catalog = field(default_factory=dict)
    lineage: Mapping[Table, ColumnSources] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def document(self) -> Document:
        """Return it for JSON."""
        lineage = [
            [*table, {column: [[*read, name] for read, name in made] for column, made in columns.items()}]
            for table, columns in self.lineage.items()
        ]
        return [[[*table, plain(columns)] for table, columns in self.writes.items()], lineage, _problems(self.problems)]

    @staticmethod
    def of(document: Document, path: Path) -> Compiled:
        """Read it back for a file."""
        writes = {
            (schema, table): {name: SqlType(*kind) for name, kind in columns} for schema, table, columns in document[0]
        }
        lineage = {
            (schema, table): {column: [((s, t), name) for s, t, name in made] for column, made in columns.items()}
            for schema, table, columns in document[1]
        }
        return Compiled(writes, lineage, _read_problems(document[2], path))


def plain(columns: Columns) -> list[Document]:
    """Return columns for JSON, in order."""
    return [[name, [kind.name, kind.precision, kind.scale, kind.length]] for name, kind in columns.items()]


def _problems(problems: Iterable[Problem]) -> list[Document]:
    return [[p.line, p.column, p.what, p.why, p.instead, p.severity, p.rule] for p in problems]


def _read_problems(document: Iterable[Document], path: Path) -> tuple[Problem, ...]:
    return tuple(Problem(path, *values) for values in document)
