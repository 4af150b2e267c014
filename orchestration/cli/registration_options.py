"""A registration's options on the command line, and how they lie over a file's or a former registration's fields."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from orchestration.delivery.channels.channel import channel
from orchestration.delivery.registering.wish import Wish, pairs, read_document, read_wish
from orchestration.delivery.registration import Registration

File = Annotated[Path | None, typer.Option("--file", help="YAML that says all of it; options win over it.")]
Consumer = Annotated[str | None, typer.Option(help="Who gets it; see strata consumer.")]
Title = Annotated[str | None, typer.Option(help="A name for people.")]
Events = Annotated[list[str] | None, typer.Option("--event", help="See strata events; may be repeated.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="schema.table; may be repeated.")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="Only this column; may be repeated. '': all.")]
Where = Annotated[
    list[str] | None, typer.Option("--where", help="Only rows such as 'amount>=100'; may be repeated. '': all.")
]
PayloadKind = Annotated[str | None, typer.Option("--payload", help="reference, changes or snapshot.")]
FormatKind = Annotated[str | None, typer.Option("--format", help="json, ndjson, csv or parquet.")]
ChannelName = Annotated[str | None, typer.Option("--channel", help="webhook, sftp, rabbitmq, nats, feed or job.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="The channel's setting, name=value; may be repeated. name= takes it back."),
]
Secret = Annotated[
    list[str] | None, typer.Option("--secret", help="name=env:NAME, file:/path or vault:path#field; may be repeated.")
]
Term = Annotated[
    list[str] | None,
    typer.Option("--term", help="quiet_seconds=60, hours=06:00-20:00 …; may be repeated. name= is the default."),
]


def wish_of(
    file: Path | None,
    given: Mapping[str, str | list[str] | None],
    settings: list[str] | None,
    secrets: list[str] | None,
    terms: list[str] | None,
    base: Registration | None = None,
) -> Wish:
    """Put a wish together: a file's fields, or else what was registered, and over them the options.

    An option without a value (``--where ''``, ``--term quiet_seconds=``) takes back what was there.
    What was set for one channel means nothing to another, and goes when the channel is another.

    Raises:
        SettingsError: a field is unknown or has the wrong form.
    """
    fields: dict[str, Any] = read_document(file) if file else _fields(base) if base else {}
    if base and not file and given.get("channel") not in {None, base.channel}:
        fields |= {"settings": {}, "secrets": {}}
    for name, value in given.items():
        if value is not None:
            fields[name] = ([item for item in value if item] if isinstance(value, list) else value) or None
    for name, option, texts in (
        ("settings", "--set", settings),
        ("secrets", "--secret", secrets),
        ("terms", "--term", terms),
    ):
        fields[name] = _laid_over(fields.get(name), pairs(option, texts))
    return read_wish(fields, str(file) if file else "The registration")


def _laid_over(there: Any, named: Mapping[str, str]) -> Any:  # noqa: ANN401 - what YAML holds
    """Lay named values over those that are there; without any, what is there is judged as it is."""
    if not named or not isinstance(there, Mapping | None):
        return there
    return {name: value for name, value in {**(there or {}), **named}.items() if name not in named or value}


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
