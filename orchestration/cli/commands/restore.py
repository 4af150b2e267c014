"""``strata restore``: the installation as it was when a backup was taken."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestration.backup.restore import Restored
from orchestration.backup.restore import restore as restore_backup
from orchestration.cli.bytes_progress import shown
from orchestration.cli.console import moment, print_json, say
from orchestration.settings import load_settings

app = typer.Typer()

_UNKNOWN = (
    "keys made or revoked, tenants and plans added, tenants suspended or removed",
    "people erased; the audit trail says when, not who",
)


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(help="One backup: a folder strata-… that `strata backup` wrote.")],
    home: Annotated[Path | None, typer.Option(help="Where to; by default STRATA_HOME.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move aside what is there; nothing is deleted.")] = False,
    check_landing: Annotated[
        bool, typer.Option("--check-landing", help="Read every landed file and compare its checksum.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a backup and put it in place; loads go on from the watermarks in it.

    Stop Dagster first. A restore that was interrupted is run again.
    """
    settings = load_settings(**({"home": home} if home else {}))
    with shown(silent=as_json) as on_progress:
        done = restore_backup(settings, backup, force=force, check_landing=check_landing, on_progress=on_progress)
    if as_json:
        print_json(asdict(done))
    else:
        _show(done, settings.timezone)


def _show(done: Restored, zone: str) -> None:
    again = ", after a restore that was interrupted" if done.resumed else ""
    say(f"{done.home} is as of {moment(done.taken_at, zone)}, load {done.ledger_seq}{again}.")
    if done.aside:
        say(f"What was there is in {done.aside}.")
    _show_landing(done)
    for name in done.missing_secrets:
        say(f"Missing: {done.home / name}. It was not in the backup; put it there.", style="yellow")
    for text in done.left_out:
        say(f"Not in the backup: {text}.", style="yellow")
    if done.control_upgrade:
        say("The backup's control plane has an older schema. Run this next: strata control upgrade", style="yellow")
    _show_undone(done, moment(done.taken_at, zone))


def _show_undone(done: Restored, when: str) -> None:
    if done.undone == ():
        say(f"No key, tenant, plan or erasure since {when} has to be made again.")
        return
    say(f"Undone are all decisions since {when}. Before anything runs, make these again:", style="yellow")
    for text in _UNKNOWN if done.undone is None else done.undone:
        say(f"  {text}", style="yellow")


def _show_landing(done: Restored) -> None:
    landing = done.landing
    if landing.put_back:
        say(f"Landing: {landing.put_back:,} files were put back.")
    for keys, fault in ((landing.missing, "missing"), (landing.damaged, "not what landed")):
        if keys:
            more = f" and {len(keys) - 3:,} more" if len(keys) > 3 else ""
            say(f"Landing: {len(keys):,} files are {fault}: {', '.join(keys[:3])}{more}.", style="yellow")
    if landing.missing or landing.damaged:
        say("Loads do not need them; `strata backfill` cannot go back to where they are needed.")
    if done.younger:
        fate = "moved aside" if done.younger_aside else "removed by the next load of each entity"
        say(f"{len(done.younger):,} loads landed after the backup: {fate}. Sources are asked for their rows again.")
