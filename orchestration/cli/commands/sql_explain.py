"""``strata sql explain``: a script beside what DuckDB runs of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from orchestration.cli.console import print_json, results, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.runtime import open_runtime
from orchestration.scripts.review.explanation import Explanation, Part, explain_script, readable


def explain(
    script: Annotated[str, typer.Argument(help="A script's name, path or table.")],
    plain: Annotated[bool, typer.Option("--plain", help="Only what DuckDB runs, statement by statement.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show each statement of a script beside its translation, and what is verified on the data before it runs."""
    found = explain_script(open_runtime(), script)
    if as_json:
        print_json(_document(found))
    elif plain:
        _show_plain(found)
    else:
        _show(found)
    raise typer.Exit(ExitCode.OK if found.is_well else ExitCode.FAILED)


def _show(found: Explanation) -> None:
    say(f"{found.script.script.path}", style="bold")
    reads = ", ".join(".".join(table) for table in found.reads) or "nothing"
    say(f"Reads {reads}; builds {', '.join(map('.'.join, found.writes)) or 'nothing'}.")
    for problem in found.problems:
        say(str(problem), style="yellow" if problem.severity == "warning" else "bold red")
    if any(part.translated for part in found.parts):
        say('"strata_scope_silver__x" is silver.x as the script sees it: one tenant\'s rows, no platform columns.')
    for part in found.parts:
        _show_part(part)


def _show_part(part: Part) -> None:
    """Show a statement with its lines' numbers on the left, and what DuckDB runs on the right."""
    original = Table.grid(padding=(0, 1))
    original.add_column(justify="right", no_wrap=True, style="dim")
    original.add_column(overflow="fold")
    for number, line in enumerate(part.original.splitlines(), part.line):
        original.add_row(str(number), Text(line))
    run = ";\n\n".join(readable(item.sql) for item in part.translated if not item.must_be_empty)
    beside = Table.grid(padding=(0, 2), expand=True)
    beside.add_column(ratio=1)
    beside.add_column(ratio=1, overflow="fold")
    beside.add_row(original, Text(run))
    say("")
    results.print(beside)
    for note in part.notes:
        say(f"· {note}", style="cyan")


def _show_plain(found: Explanation) -> None:
    for problem in found.problems:
        say(f"-- {problem}")
    for part in found.parts:
        say(f"-- line {part.line}")
        for note in part.notes:
            say(f"-- {note}")
        for item in part.translated:
            if item.must_be_empty:
                say(f"-- must return no row: {item.must_be_empty}")
            say(f"{readable(item.sql)};")


def _document(found: Explanation) -> dict[str, object]:
    return {
        "script": found.script.name,
        "reads": [".".join(table) for table in found.reads],
        "writes": [".".join(table) for table in found.writes],
        "problems": [str(problem) for problem in found.problems],
        "statements": [
            {
                "line": part.line,
                "original": part.original,
                "duckdb": [{"sql": item.sql, "must_be_empty": item.must_be_empty} for item in part.translated],
                "notes": list(part.notes),
            }
            for part in found.parts
        ],
    }
