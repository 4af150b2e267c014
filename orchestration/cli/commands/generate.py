"""``strata generate``: write the files that follow from settings and contracts, or check that they are up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.cli.generated import GeneratedFile, built_catalog, generated_files
from orchestration.contracts.source import find_sources
from orchestration.settings import load_settings

app = typer.Typer()


@app.command()
def generate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 when a file is stale.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write .env.example, the editors' contract schema, dbt's source files and the scripts' catalogue.

    The catalogue of silver and gold is read from the warehouse, where one is built; ``--check`` leaves it out, for
    what a warehouse holds may be older than its models.
    """
    settings = load_settings()
    files = generated_files(settings, find_sources(settings.sources_dir))
    built = None if check else built_catalog(settings)
    files += [built] if built else []
    stale = [file for file in files if file.stale]
    differences = {str(file.path): found for file in stale if (found := file.differences)}
    if not check:
        for file in stale:
            file.write()
    if as_json:
        print_json(
            {
                "stale" if check else "written": [str(file.path) for file in stale],
                "files": len(files),
                "differences": differences,
            }
        )
    else:
        _tell(stale, differences, len(files), check=check)
    if check and stale:
        raise typer.Exit(ExitCode.FAILED)


def _tell(stale: list[GeneratedFile], differences: Mapping[str, list[str]], total: int, *, check: bool) -> None:
    for file in stale:
        say(f"{'stale' if check else 'written'}: {file.path}")
        for text in differences.get(str(file.path), ()):
            say(f"  {text}")
    if not stale:
        say(f"{total} generated files are up to date.")
    elif check:
        if differences:
            say("A contract that lost a column by mistake is mended first: what lies on top of bronze may use it.")
        say("Run `strata generate` and commit what it writes.")
