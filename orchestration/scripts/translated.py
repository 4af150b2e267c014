"""A script as DuckDB's statements: all that running it needs, for any tenant and any day."""

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
    """``reads`` are the warehouse's tables that it reads, those aside that scripts before it have built."""

    script: Script
    steps: tuple[Step, ...]
    reads: tuple[Table, ...]
    writes: Mapping[Table, Columns]


def translated(program: Program, work_schema: str) -> Translated:
    """Translate a compiled script, which builds in ``work_schema``; its trees are DuckDB's afterwards.

    Raises:
        ScriptRefused: it has an error, or something that DuckDB cannot do.
    """
    if any(problem.severity == "error" for problem in program.problems):
        raise refusal(program.problems)
    try:
        steps = tuple(statements.steps(program, work_schema))
    except UnsupportedError as error:
        raise ScriptRefused(f"{program.script.path}: {error}.", "See docs/analyst/differences.md.") from error
    reads = tuple(table for table in program.reads if table not in program.work)
    return Translated(program.script, steps, reads, program.writes)
