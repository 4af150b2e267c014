"""A registration's options on the command line, and how they lie over a file's or a former registration's fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from orchestration.delivery.channels.channel import channel
from orchestration.delivery.registering.wish import Wish, pairs, read_wish, read_wish_file
from orchestration.delivery.registration import Registration

File = Annotated[Path | None, typer.Option("--file", help="YAML with the same fields; options win over it.")]
Consumer = Annotated[str | None, typer.Option(help="Who gets it; see strata consumer.")]
Title = Annotated[str | None, typer.Option(help="A name for people.")]
Events = Annotated[list[str] | None, typer.Option("--event", help="See strata events; may be repeated.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="schema.table; may be repeated.")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="Only this column; may be repeated.")]
Where = Annotated[list[str] | None, typer.Option("--where", help="Only rows such as 'amount>=100'; may be repeated.")]
PayloadKind = Annotated[str | None, typer.Option("--payload", help="reference, changes or snapshot.")]
FormatKind = Annotated[str | None, typer.Option("--format", help="json, ndjson, csv or parquet.")]
ChannelName = Annotated[str | None, typer.Option("--channel", help="webhook, sftp, rabbitmq, nats, feed or job.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="The channel's setting, name=value; may be repeated.")]
Secret = Annotated[
    list[str] | None, typer.Option("--secret", help="name=env:NAME, file:/path or vault:path#field; may be repeated.")
]
Term = Annotated[
    list[str] | None,
    typer.Option("--term", help="quiet_seconds=60, priority=1, hours=06:00-20:00 …; may be repeated."),
]


def wish_of(
    file: Path | None,
    given: dict[str, Any],
    settings: list[str] | None,
    secrets: list[str] | None,
    terms: list[str] | None,
    base: Registration | None = None,
) -> Wish:
    """Put a wish together: what was registered, over it the file's fields, over those the options.

    Raises:
        SettingsError: a field is unknown or has the wrong form.
    """
    fields: dict[str, Any] = _fields(base) if base else {}
    if file:
        fields |= msgspec.to_builtins(read_wish_file(file))
    fields |= {name: value for name, value in given.items() if value}
    fields["settings"] = fields.get("settings", {}) | pairs("--set", settings)
    fields["secrets"] = fields.get("secrets", {}) | pairs("--secret", secrets)
    fields["terms"] = fields.get("terms", {}) | {
        name: _term(name, value) for name, value in pairs("--term", terms).items()
    }
    return read_wish(fields, str(file) if file else "The registration")


def _term(name: str, value: str) -> object:
    return [float(part) for part in value.split(",")] if name == "retries" else value


def _fields(base: Registration) -> dict[str, Any]:
    open_to_people = {name for name, item in channel(base.channel).settings.items() if not item.internal}
    given = {name: kept for name, kept in base.settings.items() if name in open_to_people}
    return {
        "consumer": base.consumer,
        "channel": base.channel,
        "title": base.title,
        "events": base.events,
        "tables": tuple(".".join(table) for table in base.tables),
        "columns": base.columns,
        "where": base.where,
        "payload": base.payload,
        "format": base.format,
        "settings": {name: kept["value"] for name, kept in given.items() if "value" in kept},
        "secrets": {name: kept["reference"] for name, kept in given.items() if "reference" in kept},
        "terms": msgspec.to_builtins(base.terms),
    }
