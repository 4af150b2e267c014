"""``strata sql``: what is wrong with analysts' scripts, before anybody runs them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.scripts import check as check_scripts
from orchestration.scripts import find_scripts
from orchestration.settings import load_settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def sql() -> None:
    """Check analysts' scripts."""


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="Folder of scripts; by default STRATA_SCRIPTS_DIR.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name every construct that would be refused, by file and line; exit code 1 when there is one."""
    place = folder or load_settings().scripts_dir
    problems = check_scripts(place)
    if as_json:
        print_json({"problems": [asdict(problem) for problem in problems]})
    else:
        for problem in problems:
            say(str(problem))
        count = len(list(find_scripts(place)))
        well = "1 script is well." if count == 1 else f"All {count} scripts are well."
        say(well if not problems else "1 problem." if len(problems) == 1 else f"{len(problems)} problems.")
    raise typer.Exit(ExitCode.FAILED if problems else ExitCode.OK)
