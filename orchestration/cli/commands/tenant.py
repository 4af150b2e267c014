"""``strata tenant``: take tenants on board, look at them, stop and start them, and let them leave without a trace."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.bronze.admission import await_commits
from orchestration.cli import progress
from orchestration.cli.console import errors, moment, print_json, print_table, say
from orchestration.cli.exit_codes import INTERRUPTED
from orchestration.cli.load_table import print_loads
from orchestration.cli.terms import in_words
from orchestration.contracts.source import find_sources
from orchestration.failures import SettingsError
from orchestration.plan_terms import KINDS
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings
from orchestration.tenancy import connecting, export, listing, onboarding, plans, removal, states
from orchestration.tenancy.belongings import Found
from orchestration.tenancy.erasing.erase import erase_person
from orchestration.tenancy.erasing.wanted import read_wanted
from orchestration.tenancy.options import read_terms
from orchestration.tenancy.wish import MAIN, read_connections, read_place, read_wish

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The tenant's name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Feature = Annotated[list[str] | None, typer.Option(help="name=on|off, over the plan's; name= takes it back.")]
Quota = Annotated[list[str] | None, typer.Option(help="name=number, over the plan's; name= takes it back.")]
Schedule = Annotated[list[str] | None, typer.Option(help="name=value, over the plan's; name= takes it back.")]


@app.callback()
def tenant() -> None:
    """Take tenants on board, show, suspend, export and remove them."""


@app.command()
def add(
    name: Name,
    title: Annotated[str | None, typer.Option(help="The name for people.")] = None,
    plan: Annotated[str | None, typer.Option(help="Plan, as `strata plan list` shows it.")] = None,
    connection: Annotated[
        list[str] | None, typer.Option(help="source=simulated|environment, or source/instance=…; may be repeated.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="source.name=value; a secret as env:, file: or vault: reference."),
    ] = None,
    first_load: Annotated[bool, typer.Option(help="Load every connection now.")] = True,
    reuse_name: Annotated[bool, typer.Option("--reuse-name", help="The name may be a removed tenant's.")] = False,
    as_json: Json = False,
) -> None:
    """Take a tenant on board. After a crash or a failure the same command goes on where it was."""
    settings = load_settings()
    sources = find_sources(settings.sources_dir)
    if not connection:
        example = f"strata tenant add {name} --connection {next(iter(sources), 'salesforce')}=simulated"
        raise SettingsError("A tenant needs a --connection.", f"Sources: {', '.join(sources)}. Example: {example}")
    wish = read_wish(
        name,
        title=title,
        plan=plan,
        connections=connection,
        settings=setting or (),
        sources=sources,
        first_load=first_load,
    )
    try:
        with progress.shown(silent=as_json) as on_progress:
            done = onboarding.onboard(
                settings, wish, reuse_name=reuse_name, on_step=_silent if as_json else _tell, on_progress=on_progress
            )
    except KeyboardInterrupt:
        errors.print("Stopped. The same command goes on from here.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json({"tenant": done.tenant, "api_key": done.api_key, "loads": [asdict(load) for load in done.loads]})
        return
    if done.loads:
        print_loads(list(done.loads))
    say(f"Tenant {name} is active.", style="bold")
    say(f"API key (shown this once): {done.api_key}")


@app.command("list")
def list_tenants(as_json: Json = False) -> None:
    """List every tenant with its state, plan, connections and last load."""
    runtime = open_runtime()
    found = listing.list_tenants(runtime)
    if as_json:
        print_json({"tenants": found})
        return
    rows = [
        (
            row["tenant"],
            row["title"],
            row["state"],
            row["plan"],
            ", ".join(row["connections"]),
            moment(row["last_load_at"], runtime.settings.timezone),
        )
        for row in found
    ]
    print_table(("tenant", "title", "state", "plan", "connections", "last load"), rows)
    say(f"{len(found)} tenants.")


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show what the control plane knows of a tenant, and what it may do."""
    runtime = open_runtime()
    document = listing.show_tenant(runtime, name)
    if as_json:
        print_json(document)
        return
    for heading in ("tenant", "title", "state", "plan", "steps_done"):
        say(f"{heading.replace('_', ' ')}: {_plain(document[heading])}")
    for heading in KINDS:
        say(f"{heading}: {in_words(document[heading], document['own_terms'].get(heading, ()))}")
    zone = runtime.settings.timezone
    for heading in ("connections", "principals"):
        _print_rows(heading, document[heading], zone)
    shown = ("prefix", "principal_id", "scopes", "expires_at", "last_used_at", "revoked_at")
    _print_rows("keys", [{name: key[name] for name in shown} for key in document["keys"]], zone)


@app.command()
def suspend(name: Name) -> None:
    """Stop a tenant's loads and reads at once; its data stays."""
    runtime = open_runtime()
    changed = states.suspend(runtime.control, name)
    await_commits(runtime)
    say(f"Tenant {name} is suspended{'' if changed else ' already'}: nothing is loaded or read for it.")


@app.command()
def resume(name: Name) -> None:
    """Let a suspended tenant load and read again."""
    changed = states.resume(open_runtime().control, name)
    say(f"Tenant {name} is active{'' if changed else ' already'}.")


@app.command("plan")
def move(
    name: Name,
    plan: Annotated[str | None, typer.Argument(help="The plan to move to; left out: it stays.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Leave the plan; the tenant's own terms stay.")] = False,
    feature: Feature = None,
    quota: Quota = None,
    schedule: Schedule = None,
) -> None:
    """Move a tenant to another plan, or give it terms of its own; its next run goes by them."""
    runtime = open_runtime()
    own = read_terms(quota, feature, schedule, runtime.sources)
    if none and plan is not None:
        raise typer.BadParameter("A plan and --none exclude each other.")
    if plan is None and not own and not none:
        raise typer.BadParameter("Name a plan, --none, or what the tenant shall have of its own.")
    changed = plans.move_to_plan(runtime.control, name, "" if none else plan, own)
    say(f"Tenant {name}: {'changed; its next run goes by it' if changed else 'nothing differs'}.")


@app.command()
def connect(
    name: Name,
    connection: Annotated[str, typer.Argument(help="source[/instance]=simulated|environment.")],
    setting: Annotated[
        list[str] | None, typer.Option(help="source.name=value; a secret as env:, file: or vault: reference.")
    ] = None,
) -> None:
    """Give a tenant one more connection; the next load of the source takes it."""
    runtime = open_runtime()
    (wished,) = read_connections([connection], setting or (), runtime.sources)
    connecting.connect(runtime.control, name, wished, runtime.sources)
    say(f"Tenant {name} is connected to {wished.source}/{wished.instance}; the source's next load takes it.")
    say(f"To load it now: strata load {wished.source} --mode daily --tenant {name}")


@app.command()
def disconnect(
    name: Name, connection: Annotated[str, typer.Argument(help="source[/instance], as `strata tenant show` has it.")]
) -> None:
    """Take a connection away from a tenant; what was loaded stays."""
    source, instance = read_place(connection)
    connecting.disconnect(open_runtime().control, name, source, instance)
    say(f"Tenant {name} is disconnected from {source}/{instance}: nothing more is loaded; the data stays as it is.")
    if any(item.instance == instance for item in open_runtime().tenants[name].of_source(source)):
        variables = f"STRATA_{source}__{name}{'' if instance == MAIN else '__' + instance}".upper()
        say(f"Variables ({variables}…) still name it, and loads go on by them until they are deleted.", style="yellow")


@app.command()
def rename(name: Name, title: Annotated[str, typer.Option(help="The name for people.")]) -> None:
    """Give a tenant another name for people; its own name stays."""
    changed = connecting.rename(open_runtime().control, name, title)
    say(f"Tenant {name}: {'renamed' if changed else 'nothing differs'}.")


@app.command("export")
def export_tenant(
    name: Name,
    to: Annotated[Path, typer.Option(help="A folder that is empty or not there yet.")],
    as_json: Json = False,
) -> None:
    """Write everything of a tenant in open formats, with a manifest."""
    manifest = export.export_tenant(open_runtime(), name, to)
    rows = sum(file.rows or 0 for file in manifest.files)
    size = sum(file.bytes for file in manifest.files)
    if as_json:
        print_json({"folder": str(to), "files": len(manifest.files), "rows": rows, "bytes": size})
        return
    say(f"{len(manifest.files)} files with {rows:,} rows, {size / 1e6:.1f} MB, are in {to}.")
    say("manifest.json lists each with its rows and SHA-256. The files hold personal data in the clear.")


@app.command()
def erase(
    name: Name,
    entity: Annotated[str | None, typer.Option(help="source/entity, with --key.")] = None,
    key: Annotated[str | None, typer.Option(help="JSON of the key's columns; - reads it.")] = None,
    value: Annotated[str | None, typer.Option(help="A personal value that only they have; - reads it.")] = None,
    connection: Annotated[str | None, typer.Option(help="Only this connection; all when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Erase one person of a tenant everywhere, and keep their rows out of later loads."""
    runtime = open_runtime()
    wanted = read_wanted(runtime.sources, entity=entity, key=_given(key), value=_given(value), connection=connection)
    done = erase_person(runtime, name, wanted)
    if as_json:
        print_json(asdict(done))
        return
    _print_found(done.found)
    if not done.found:
        say("Nothing found.", style="bold")
    if done.keys:
        say(f"{done.keys} {'key is' if done.keys == 1 else 'keys are'} kept out of later loads.", style="bold")
    if done.found:
        say("The next build makes tables anew that count or merge what was erased.")
    say("The source system, exports and backups are not changed: erase the person there too.")


def _given(text: str | None) -> str | None:
    """Read from standard input what shall be in no shell's history."""
    return sys.stdin.readline().strip() if text == "-" else text


@app.command()
def remove(
    name: Name,
    yes: Annotated[str, typer.Option("--yes", help="The tenant's name again: this cannot be undone.")] = "",
    as_json: Json = False,
) -> None:
    """Delete everything of a tenant, and report what was where. After a crash the same command finishes."""
    if yes != name:
        message = f"Removing {name} deletes its data everywhere and cannot be undone."
        raise SettingsError(message, f"Export it first if need be; then say: strata tenant remove {name} --yes {name}")
    done = removal.remove_tenant(open_runtime(), name, _silent if as_json else _tell)
    if as_json:
        print_json(asdict(done))
        return
    _print_found(done.found)
    say(f"Nothing is left of {name}.", style="bold")
    if done.in_dagster:
        say(f"Dagster's own record names it in {len(done.in_dagster)} files. To prune: docs/operator/tenants.md.")
    if done.moved_aside:
        folders = " ".join(shlex.quote(str(path)) for path in done.moved_aside)
        say(f"States that a restore moved aside may hold it whole. To delete them: rm -r {folders}", style="yellow")
    if any(item.place == "simulation" for item in done.found):
        say("The simulator's PostgreSQL keeps deleted bytes in its pg_wal until it is rewritten.")


def _print_found(found: Iterable[Found]) -> None:
    rows = [(item.place, item.name, item.pieces, item.kind) for item in found]
    if rows:
        print_table(("place", "what", "pieces", ""), rows, numbers=("pieces",))


def _tell(step: str) -> None:
    errors.print(f"· {step}", markup=False, soft_wrap=True)


def _silent(step: str) -> None:
    """Say nothing: the answer is one JSON document."""


def _print_rows(heading: str, rows: Iterable[Mapping[str, Any]], zone: str) -> None:
    rows = list(rows)
    if rows:
        print_table(tuple(rows[0]), [[_cell(value, zone) for value in row.values()] for row in rows], title=heading)


def _cell(value: Any, zone: str) -> str:  # noqa: ANN401 - a column holds text, numbers, times or JSON
    return moment(value, zone) if hasattr(value, "tzinfo") else _plain(value)


def _plain(value: Any) -> str:  # noqa: ANN401 - as above
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(item)}" for name, item in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
