"""``strata backup``: a consistent copy of the installation, taken while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.backup.take import Taken, Wanted, back_up
from orchestration.cli.bytes_progress import shown
from orchestration.cli.console import moment, print_json, say
from orchestration.settings import load_settings

app = typer.Typer()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The folder of backups, on another disk than the installation.")],
    with_landing: Annotated[
        bool, typer.Option("--with-landing", help="Take landed files along, not only their list.")
    ] = False,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Take secret files along; guard the backup.")
    ] = False,
    keep: Annotated[int, typer.Option(min=0, help="Remove older whole backups beyond this many; 0 keeps all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy warehouse, control plane, published versions and the list of landing, as they are at one moment.

    Writers wait while the warehouse is copied; readers never do.
    """
    settings = load_settings()
    wanted = Wanted(with_landing=with_landing, with_secrets=with_secrets, keep=keep)
    with shown(silent=as_json) as on_progress:
        taken = back_up(settings, target, wanted, on_progress)
    if as_json:
        print_json(_document(taken))
    else:
        _show(taken, settings.timezone)


def _document(taken: Taken) -> dict[str, object]:
    manifest = taken.manifest
    return {
        "path": taken.path,
        "backup_id": manifest.backup_id,
        "taken_at": manifest.taken_at,
        "bytes": manifest.size,
        "files": len(manifest.files),
        "ledger_seq": manifest.ledger_seq,
        "held_seconds": round(manifest.held_seconds, 3),
        "landing": {name: getattr(manifest.landing, name) for name in manifest.landing.__struct_fields__},
        "secrets": {"names": manifest.secrets, "included": manifest.secrets_included},
        "left_out": manifest.left_out,
        "removed": taken.removed,
    }


def _show(taken: Taken, zone: str) -> None:
    manifest, landing = taken.manifest, taken.manifest.landing
    say(f"{taken.path}: {manifest.size / 1e6:,.1f} MB in {len(manifest.files):,} files.")
    say(f"As of {moment(manifest.taken_at, zone)}, load {manifest.ledger_seq}.")
    say(f"Writers waited {manifest.held_seconds:.1f} s for it, readers for nothing.")
    files = f"{landing.files:,} files ({landing.bytes / 1e6:,.1f} MB)"
    say(f"Landing: {landing.loads:,} loads are listed, {'with' if landing.included else 'without'} their {files}.")
    if manifest.secrets and not manifest.secrets_included:
        say(f"Not in it: {', '.join(manifest.secrets)}. Keep these elsewhere, or use --with-secrets.", style="yellow")
    for text in manifest.left_out:
        say(f"Not in it: {text}.", style="yellow")
    for name in taken.removed:
        say(f"Removed: {name}")
