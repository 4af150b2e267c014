"""``strata events``: what can be registered for, and what each event's data look like."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.delivery.events.business import typed
from orchestration.delivery.events.catalogue import PLATFORM_TYPES, EventType
from orchestration.failures import SettingsError
from orchestration.publication.event_queries import read_event_queries
from orchestration.settings import Settings, load_settings

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def events(context: typer.Context, as_json: Json = False) -> None:
    """List the types of events, those of files in sql_scripts/events too."""
    if context.invoked_subcommand is None:
        _list(load_settings(), as_json=as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The type's name, such as gold.table.updated.")], as_json: Json = False
) -> None:
    """Show one type with the JSON Schema of its data."""
    settings = load_settings()
    known = _types(settings)
    if name not in known:
        faults = read_event_queries(settings)[1]
        raise faults.get(name) or SettingsError(f"There is no event type {name!r}.", f"There are: {', '.join(known)}.")
    document = _document(known[name])
    if as_json:
        print_json(document)
        return
    say(f"{document['name']} · version {document['version']}", style="bold")
    say(document["description"])
    say(f"register for it: --event {name}{' --table schema.table' if known[name].about_table else ''}")
    members, needed = document["schema"]["properties"], document["schema"]["required"]
    rows = [(member, _kind(schema), "yes" if member in needed else "") for member, schema in members.items()]
    print_table(("data", "type", "always there"), rows)


def _list(settings: Settings, *, as_json: bool) -> None:
    known, faults = _types(settings), read_event_queries(settings)[1]
    if as_json:
        listed = [_document(kind) for kind in known.values()]
        print_json({"events": listed, "faults": {name: str(fault) for name, fault in faults.items()}})
        return
    rows = [
        (kind.name, kind.version, "a table" if kind.about_table else "", kind.description) for kind in known.values()
    ]
    print_table(("event", "version", "about", "description"), rows)
    for fault in faults.values():
        say(str(fault), style="red")


def _types(settings: Settings) -> dict[str, EventType]:
    return PLATFORM_TYPES | {kind.name: kind for kind in typed(settings)}


def _document(kind: EventType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "version": kind.version,
        "type": kind.versioned,
        "about_table": kind.about_table,
        "description": kind.description,
        "dataschema": kind.schema_uri,
        "schema": kind.schema,
    }


def _kind(schema: dict[str, Any]) -> str:
    types = schema.get("type", "any")
    listed = types if isinstance(types, str) else " or ".join(types)
    return f"{listed} ({schema['format']})" if "format" in schema else listed
