"""A script as DuckDB's statements, or as its own text: all that running it needs, for any tenant and any day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot.errors import UnsupportedError

from orchestration.failures import ScriptRefused
from orchestration.names import Table
from orchestration.scripts.problems import refusal
from orchestration.scripts.program import Program
from orchestration.scripts.source import Script
from orchestration.scripts.translation import statements
from orchestration.scripts.translation.statements import Step
from orchestration.scripts.types import Columns


@dataclass(frozen=True)
class Translated:
    """``reads`` are the warehouse's tables that it reads, those aside that scripts before it have built.

    One that a server runs as it is written has no ``steps``.
    """

    script: Script
    steps: tuple[Step, ...]
    reads: tuple[Table, ...]
    writes: Mapping[Table, Columns]


def translated(program: Program, work_schema: str) -> Translated:
    """Translate a compiled script, which builds in ``work_schema``; its trees are DuckDB's afterwards.

    Raises:
        ScriptRefused: it has an error, or something that DuckDB cannot do.
    """
    _require_well(program)
    try:
        steps = tuple(statements.steps(program, work_schema))
    except UnsupportedError as error:
        raise ScriptRefused(f"{program.script.path}: {error}.", "See docs/analyst/differences.md.") from error
    return Translated(program.script, steps, _reads(program), program.writes)


def untranslated(program: Program) -> Translated:
    """Return a compiled script that a server runs as it is written.

    Raises:
        ScriptRefused: it has an error.
    """
    _require_well(program)
    return Translated(program.script, (), _reads(program), program.writes)


def _require_well(program: Program) -> None:
    if any(problem.severity == "error" for problem in program.problems):
        raise refusal(program.problems)


def _reads(program: Program) -> tuple[Table, ...]:
    return tuple(table for table in program.reads if table not in program.work)
