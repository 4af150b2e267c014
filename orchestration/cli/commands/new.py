"""``strata new``: what is rendered from a template and works at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.cli.generated import generated_files
from orchestration.contracts.source import find_sources
from orchestration.scaffold import new_source
from orchestration.settings import PROJECT, load_settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def new() -> None:
    """Start a new source system."""


@app.command()
def source(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores, such as hubspot.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Render a working source system, with a simulator and a test, and make it known."""
    settings = load_settings()
    files = new_source(name, settings)
    for file in generated_files(settings, find_sources(settings.sources_dir)):
        if file.stale:
            file.write()
            files.append(file.path)
    shown = [_short(path) for path in dict.fromkeys(files)]
    if as_json:
        print_json({"source": name, "files": shown})
        return
    for path in shown:
        say(f"written: {path}")
    say(f"Next: strata load {name} --mode daily; then docs/data-engineer/add-a-source.md.", style="bold")


def _short(path: Path) -> str:
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
