"""Sets a script's statements beside what DuckDB runs of them, with what is verified on the data before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot.errors import SqlglotError

from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.runtime import Runtime
from orchestration.scripts.actions import Verify
from orchestration.scripts.close.plan import Plan, PlannedScript, read_plan
from orchestration.scripts.outline import outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.review.selection import needed, script_named
from orchestration.scripts.review.setting import Stage, scripts_folder, stage
from orchestration.scripts.statements import Kind, Statement
from orchestration.scripts.tables import written
from orchestration.scripts.translation import statements
from orchestration.scripts.types import Columns

_ASSUMED = {
    "equal": "values have no blank at their end, and only A to Z differ in case",
    "constant": "values have no blank at their end, and no character that SQL Server may ignore",
    "order": "values that are next to each other differ first in a letter, a digit or a blank",
}
_AS_OF = "as_of"


@dataclass(frozen=True)
class Translated:
    """One statement for DuckDB; where ``must_be_empty`` says why, it is a query that must return no row."""

    sql: str
    must_be_empty: str = ""


@dataclass(frozen=True)
class Part:
    """One statement of the script: ``line`` is its first, ``notes`` say what is verified, and what is ignored."""

    line: int
    original: str
    translated: Sequence[Translated]
    notes: Sequence[str]


@dataclass(frozen=True)
class Explanation:
    """A script explained; with an error among its problems there is no translation."""

    script: PlannedScript
    reads: Sequence[Table]
    writes: Mapping[Table, Columns]
    parts: Sequence[Part]
    problems: Sequence[Problem]

    @property
    def is_well(self) -> bool:
        """Whether it can be run."""
        return not any(problem.severity == "error" for problem in self.problems)


def explain_script(runtime: Runtime, wanted: str) -> Explanation:
    """Explain a script by its name, path or table.

    Raises:
        SettingsError: there is no such script.
        Busy: somebody else held the warehouse for too long.
    """
    plan = read_plan(scripts_folder(runtime))
    item = script_named(plan, wanted)
    with stage(runtime, "explanation of a script") as here:
        program = _compiled(here, plan, item)
    problems = sorted({*item.problems, *program.problems})
    is_well = not any(problem.severity == "error" for problem in problems)
    parts = list(_parts(program)) if is_well else []
    return Explanation(item, program.reads, program.writes, parts, problems)


def _compiled(here: Stage, plan: Plan, item: PlannedScript) -> Program:
    """Compile a script against the warehouse and the scripts that it reads from."""
    built: dict[Table, Columns] = {}
    for script in needed(plan, [item]):
        reads = [table for table in outline(script.script).reads if table[0] != FINANCE]
        catalog = {**here.engine.listed(reads), **here.engine.visible(reads)}
        program = compile_script(script.script, catalog, built)
        built.update(program.writes)
    return program


def _parts(program: Program) -> Iterator[Part]:
    steps: dict[tuple[int, int], list[Translated]] = {}
    for step in statements.steps(program, FINANCE_WORK):
        steps.setdefault(step.place, []).append(Translated(step.sql, step.broken))
    for statement in outline(program.script).statements:
        original = program.script.text[slice(*statement.span)]
        translated, verified = steps.get(statement.place, []), list(_verified(program, statement))
        # What is verified of stored text comes first of a statement's steps, one for each assumption.
        rules = dict.fromkeys(item.must_be_empty for item in translated[len(verified) :] if item.must_be_empty)
        notes = [*verified, *(f"fails when: {rule}" for rule in rules), *_without_translation(statement)]
        yield Part(statement.place[0], original, translated, notes)


def _verified(program: Program, statement: Statement) -> Iterator[str]:
    for action in program.actions:
        if isinstance(action, Verify) and action.place == statement.place:
            assumed = action.assumption
            yield f"verified on the data: in {written(assumed.table)}.{assumed.column} {_ASSUMED[assumed.kind]}"


def _without_translation(statement: Statement) -> Iterator[str]:
    if statement.kind is Kind.IGNORED:
        yield "changes no result; DuckDB does not get it"
    elif statement.kind is Kind.DECLARE and _AS_OF in _declared(statement):
        yield "the platform sets @as_of, whatever its default"


def _declared(statement: Statement) -> set[str]:
    return {parameter.name.lower() for item in statement.tree.expressions for parameter in item.this}


def readable(sql: str) -> str:
    """Break DuckDB's text into lines; what cannot be parsed again stays as it is."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        pretty = tree.sql("duckdb", pretty=True)
        return pretty if sqlglot.parse_one(pretty, read="duckdb") == tree else sql
    except SqlglotError:
        return sql
