"""``strata sql``: what is wrong with analysts' scripts, before anybody runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.commands.sql_diff import diff
from orchestration.cli.commands.sql_explain import explain
from orchestration.cli.commands.sql_run import run
from orchestration.cli.console import print_json, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.publication.event_queries import read_event_queries
from orchestration.scripts import check as check_scripts
from orchestration.scripts import find_scripts
from orchestration.scripts.source import FOLDER
from orchestration.settings import load_settings

app = typer.Typer(no_args_is_help=True)
app.command()(run)
app.command()(diff)
app.command()(explain)


@app.callback()
def sql() -> None:
    """Check analysts' scripts."""


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of scripts; by default those of financial gold and business events.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name every construct that would be refused, by file and line; exit code 1 when there is one."""
    settings = load_settings()
    place = folder or settings.scripts_dir / FOLDER
    problems = check_scripts(place)
    queries, faults = ([], {}) if folder else read_event_queries(settings)
    if as_json:
        events = {name: str(fault) for name, fault in faults.items()}
        print_json({"problems": [asdict(problem) for problem in problems], "events": events})
    else:
        _show([*problems, *faults.values()], len(find_scripts(place)) + len(queries))
    raise typer.Exit(ExitCode.FAILED if problems or faults else ExitCode.OK)


def _show(problems: Sequence[object], count: int) -> None:
    for problem in problems:
        say(str(problem))
    well = "1 script is well." if count == 1 else f"All {count} scripts are well."
    say(well if not problems else "1 problem." if len(problems) == 1 else f"{len(problems)} problems.")
