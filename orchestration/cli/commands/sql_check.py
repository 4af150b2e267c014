"""``strata sql check``: what scripts read and write, and what is wrong with them, before anybody runs them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.cli.scripts_checked import checked, described, scripts_folder
from orchestration.failures import SettingsError
from orchestration.publication.event_checks import check_events
from orchestration.scripts.catalog import catalog_path
from orchestration.scripts.check import CheckedScript
from orchestration.scripts.checks_file import SUFFIX
from orchestration.scripts.close.plan import read_plan
from orchestration.scripts.problems import Problem
from orchestration.scripts.review.selection import find_script
from orchestration.scripts.types import Catalog
from orchestration.settings import load_settings

_STYLES = {"error": "bold red", "warning": "yellow"}


def check(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders, or scripts by path, name or table; by default all of them and the queries of events."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print problems alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what each script reads and writes, and every problem by file, line and column; exit code 1 for an error."""
    settings = load_settings()
    known = described(settings).columns
    home = scripts_folder(settings)
    scripts: list[CheckedScript] = []
    for folder, wanted in _folders(places or [], home):
        report = checked(settings, folder, known)
        scripts += [item for item in report.scripts if wanted is None or _belongs(item, wanted)]
    events = [] if places else check_events(settings, {**known, **_finance(scripts)})
    problems = sorted([*(problem for item in scripts for problem in item.problems), *events])
    if as_json:
        documents = [item.document for item in scripts]
        print_json({"scripts": documents, "events": [problem.document for problem in events]})
    else:
        _show(scripts, events, quiet=quiet)
        if not catalog_path(settings.scripts_dir).exists():
            say(f"{catalog_path(settings.scripts_dir)} is not there, so no table of silver and gold is known.")
            say("Build the warehouse (`strata run`), then write the file: `strata generate`.")
    failed = any(problem.severity == "error" or strict for problem in problems)
    raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)


def _finance(scripts: Sequence[CheckedScript]) -> Catalog:
    return {table: columns for item in scripts for table, columns in item.columns.items()}


def _folders(places: Sequence[Path], home: Path) -> Iterator[tuple[Path, Path | None]]:
    """Return the folders to check, and of which the script that alone is asked for: others tell what it reads.

    Raises:
        SettingsError: a place is not there.
    """
    if not places:
        yield home, None
    for named in places:
        place = named if named.exists() else _script_called(str(named), home)
        if place.is_dir():
            yield place, None
        else:
            inside = place.resolve().is_relative_to(home.resolve())
            yield home if inside else place.parent, place.resolve().with_name(place.name.replace(SUFFIX, ".sql"))


def _script_called(name: str, home: Path) -> Path:
    found = find_script(read_plan(home), name)
    if found is None:
        raise SettingsError(
            f"{name} is not there.", "Name a folder of scripts, or a script by its path, name or table."
        )
    return found.script.path


def _belongs(item: CheckedScript, wanted: Path) -> bool:
    """Say whether a script, or its checks, is the one that is asked for."""
    path = item.script.path.resolve()
    return path == wanted or path == wanted.with_name(f"{wanted.stem}.checks.sql")


def _show(scripts: Sequence[CheckedScript], events: Sequence[Problem], *, quiet: bool) -> None:
    for item in scripts:
        if not quiet and (item.writes or item.waits_for):
            _show_script(item)
    problems = [*(problem for item in scripts for problem in item.problems), *events]
    # Behind all that is well, and the errors last of all: where one looks when it has run through.
    for problem in sorted(problems, key=lambda problem: problem.severity == "error"):
        _show_problem(problem)
    kinds = Counter(problem.severity for problem in problems)
    count = sum(not item.script.path.name.endswith(SUFFIX) for item in scripts)
    parts = [_number(count, "script"), _number(kinds["error"], "error"), _number(kinds["warning"], "warning")]
    say(f"{', '.join(parts)}.")


def _show_script(item: CheckedScript) -> None:
    say(_relative(item.script.path), style="bold")
    for word, tables in (("reads ", item.reads), ("writes", item.writes)):
        say(f"  {word}  {', '.join('.'.join(table) for table in tables) or '-'}")
    if item.waits_for:
        say(f"  checked by its text alone: {'.'.join(item.waits_for)}, which it reads, has errors")


def _show_problem(problem: Problem) -> None:
    rule = f" [{problem.rule}]" if problem.rule else ""
    place = f"{_relative(problem.file)}:{problem.line}:{problem.column}"
    text = f"{place}: {problem.severity}: {problem.what}: {problem.why} {problem.instead}".rstrip()
    say(text + rule, style=_STYLES[problem.severity])


def _relative(path: Path) -> str:
    """Write a path so that an editor's terminal can open it: from here where it lies below."""
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
