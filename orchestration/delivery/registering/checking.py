"""Checks a wish against what there is: events, tables, columns, channel and terms; a wrong one is refused in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.access.comparison import conditions, parse_comparison
from orchestration.access.relation import opened
from orchestration.access.rows import Question, select
from orchestration.delivery.channels.channel import CHANNELS, Channel, channel
from orchestration.delivery.events.catalogue import EventType, event_types
from orchestration.delivery.registering.terms import require_terms
from orchestration.delivery.registering.wish import Wish
from orchestration.failures import SettingsError
from orchestration.names import Table
from orchestration.publication.pointer import published_tables
from orchestration.runtime import Runtime

ROW_CHANGES = "gold.rows.changed"


@dataclass(frozen=True)
class Checked:
    """A wish that can be kept: its tables by name, and the channel that it goes through."""

    wish: Wish
    tables: tuple[Table, ...]
    channel: Channel


def check(runtime: Runtime, tenant: str, wish: Wish) -> Checked:
    """Check everything that can be checked without asking the endpoint.

    Raises:
        SettingsError: something cannot work; names it and says what to write instead.
        StrataError: a condition does not fit its column.
    """
    types = _events(runtime, wish)
    tables = _tables(runtime, wish, types)
    for table in tables:
        _columns(runtime, tenant, table, wish)
    _payload(wish, types)
    require_terms(wish.terms)
    return Checked(wish, tables, _channel(wish))


def _events(runtime: Runtime, wish: Wish) -> list[EventType]:
    known = event_types(runtime.settings)
    if not wish.events:
        raise SettingsError("No event is named.", f"--event: one of {', '.join(known)}.")
    for name in wish.events:
        if name not in known:
            raise SettingsError(f"There is no event {name!r}.", f"There are: {', '.join(known)}. See: strata events")
    return [known[name] for name in wish.events]


def _tables(runtime: Runtime, wish: Wish, types: Sequence[EventType]) -> tuple[Table, ...]:
    wants = any(item.about_table for item in types)
    if wants and not wish.tables:
        raise SettingsError("No table is named.", "--table schema.table; those there are: strata read")
    if wish.tables and not wants:
        raise SettingsError(f"{', '.join(wish.events)}: not about a table.", "Leave --table out.")
    known = published_tables(runtime.settings)
    names = {".".join(table): table for table in known if table[0] != "strata"}
    for name in wish.tables:
        if name not in names:
            listed = ", ".join(names) or "none yet: run `strata run` first"
            raise SettingsError(f"{name} is no published table.", f"Published tables: {listed}.")
    return tuple(names[name] for name in wish.tables)


def _columns(runtime: Runtime, tenant: str, table: Table, wish: Wish) -> None:
    """Read no row, but ask as a delivery will: every column and every value has to fit."""
    with opened(runtime, tenant, table, clear=False) as relation:
        known = {name: kind for name, kind in relation.columns.items() if not name.startswith("_")}
        for name in wish.columns:
            if name not in known:
                message = f"{'.'.join(table)} has no column {name!r}."
                raise SettingsError(message, f"It has: {', '.join(known)}.")
        where = [parse_comparison(text) for text in wish.where]
        list(conditions(where, known))
        select(relation, Question(where=where, limit=0))


def _payload(wish: Wish, types: Sequence[EventType]) -> None:
    about_tables = all(item.about_table for item in types)
    if wish.payload == "changes" and wish.events != (ROW_CHANGES,):
        raise SettingsError(f"Changed rows come with {ROW_CHANGES} alone.", f"--event {ROW_CHANGES} --payload changes")
    if ROW_CHANGES in wish.events and wish.payload != "changes":
        raise SettingsError(f"{ROW_CHANGES} carries changed rows.", "Add --payload changes.")
    if wish.payload == "changes" and wish.terms.ordering != "table":
        raise SettingsError("Changed rows need their order.", "Leave --ordering out, or write --ordering table.")
    if wish.payload == "snapshot" and not about_tables:
        raise SettingsError("A snapshot is one of a table.", "Name events about tables alone: see strata events.")
    if wish.payload == "reference" and wish.format != "json":
        raise SettingsError(f"A reference is JSON, not {wish.format}.", "Leave --format out, or send rows.")
    if wish.payload == "reference" and (wish.columns or wish.where):
        raise SettingsError("A reference has no rows to choose.", "Leave --column and --where out, or send rows.")


def _channel(wish: Wish) -> Channel:
    found = channel(wish.channel)
    known = found.settings
    for name in (*wish.settings, *wish.secrets):
        if name not in known or known[name].internal:
            listed = ", ".join(name for name, item in known.items() if not item.internal)
            raise SettingsError(f"{wish.channel} has no setting {name!r}.", f"It has: {listed}.")
    for name in wish.settings:
        if known[name].secret:
            message = f"{name} is a secret and is not written down: give a reference."
            raise SettingsError(
                message, f"Example: --secret {name}=env:NAME, file:/run/secrets/name, vault:path#field."
            )
    _require(wish, known_required=[name for name, item in known.items() if item.required], found=found)
    if wish.payload not in found.payloads:
        fitting = ", ".join(name for name in CHANNELS if wish.payload in channel(name).payloads)
        raise SettingsError(f"{wish.channel} carries no {wish.payload}.", f"Those that do: {fitting}.")
    found.check(with_defaults(found, wish.settings))
    return found


def _require(wish: Wish, *, known_required: Sequence[str], found: Channel) -> None:
    for name in known_required:
        item = found.settings[name]
        if not (wish.settings.get(name) or wish.secrets.get(name) or item.made or item.default):
            option = "--secret" if item.secret else "--set"
            example = f"{option} {name}={item.example or 'env:NAME' if item.secret else item.example or '…'}"
            raise SettingsError(f"{wish.channel} needs {name}: {item.description}", f"Example: {example}")


def with_defaults(found: Channel, given: Mapping[str, str]) -> dict[str, str]:
    """Return a channel's plain settings with the defaults of those left out."""
    defaults = {name: item.default for name, item in found.settings.items() if item.default and not item.secret}
    return defaults | dict(given)
