"""``strata sql``: what analysts do with their scripts before anybody else sees them."""

from __future__ import annotations

import typer

from orchestration.cli.commands.sql_check import check
from orchestration.cli.commands.sql_diff import diff
from orchestration.cli.commands.sql_explain import explain
from orchestration.cli.commands.sql_lineage import lineage
from orchestration.cli.commands.sql_run import run

app = typer.Typer(no_args_is_help=True)
for command in (check, lineage, run, diff, explain):
    app.command()(command)


@app.callback()
def sql() -> None:
    """Check, run, compare and explain analysts' scripts."""
