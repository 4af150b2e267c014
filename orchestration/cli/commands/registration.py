"""``strata registration``: what a consumer gets delivered, from the first wish to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer

from orchestration.cli import registration_options as options
from orchestration.cli.console import coloured, errors, print_json, print_table, say
from orchestration.cli.delivery_place import admitted, place, visible_tenant
from orchestration.cli.delivery_views import number_of
from orchestration.control.actor import current_actor
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailed
from orchestration.delivery.outbox.on_demand import send_newest
from orchestration.delivery.registering.registering import Registered, register, rotate_secrets
from orchestration.delivery.registering.trial import try_out
from orchestration.delivery.registration import Registration
from orchestration.failures import SettingsError, StrataError
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TENANT/NAME", help="Such as acme/bi-usage.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoTest = Annotated[bool, typer.Option("--no-test", help="Do not try it by a test delivery.")]
_STYLES = {"active": "green", "paused": "yellow", "disabled": "bold red"}


@app.callback()
def registration() -> None:
    """Register a consumer for events of a tenant; list, test, change, pause and remove registrations."""


@app.command()
def add(
    name: Name,
    consumer: options.Consumer = None,
    event: options.Events = None,
    table: options.Tables = None,
    channel: options.ChannelName = None,
    settings: options.Set = None,
    secret: options.Secret = None,
    payload: options.PayloadKind = None,
    format_: options.FormatKind = None,
    column: options.Columns = None,
    where: options.Where = None,
    term: options.Term = None,
    title: options.Title = None,
    file: options.File = None,
    no_test: NoTest = False,
    as_json: Json = False,
) -> None:
    """Register: the endpoint gets a test delivery first, and nothing is kept when that fails."""
    given = _given(consumer, event, table, channel, payload, format_, column, where, title)
    key = place(name)
    with _all_or("Nothing was registered."):
        wish = options.wish_of(file, given, settings, secret, term)
        runtime = open_runtime()
        registered = register(runtime, key, wish, admitted(runtime, key[0]), trial=not no_test)
    _tell(registered, "is registered", as_json=as_json)


@app.command()
def change(
    name: Name,
    consumer: options.Consumer = None,
    event: options.Events = None,
    table: options.Tables = None,
    channel: options.ChannelName = None,
    settings: options.Set = None,
    secret: options.Secret = None,
    payload: options.PayloadKind = None,
    format_: options.FormatKind = None,
    column: options.Columns = None,
    where: options.Where = None,
    term: options.Term = None,
    title: options.Title = None,
    file: options.File = None,
    no_test: NoTest = False,
    as_json: Json = False,
) -> None:
    """Change what is named; the rest, signing keys too, stays as it is. '' or name= takes back what was there."""
    given = _given(consumer, event, table, channel, payload, format_, column, where, title)
    key = place(name)
    if all(value is None for value in (*given.values(), settings, secret, term, file)):
        raise typer.BadParameter("Name what changes: see --help.")
    with _all_or("Nothing was changed."):
        runtime = open_runtime()
        principal = admitted(runtime, key[0])
        wish = options.wish_of(file, given, settings, secret, term, _find(runtime, name))
        registered = register(runtime, key, wish, principal, trial=not no_test, replace_it=True)
    _tell(registered, "is changed", as_json=as_json)


@app.command("list")
def list_registrations(
    tenant: Annotated[str | None, typer.Argument(help="Only this tenant's.")] = None, as_json: Json = False
) -> None:
    """List registrations."""
    runtime = open_runtime()
    limited = visible_tenant(runtime, tenant)
    with runtime.control.reading(limited) as connection:
        found = registry.registrations(connection, limited)
    if as_json:
        print_json([_document(item) for item in found])
    elif found:
        columns = ("registration", "consumer", "events and tables", "payload", "channel", "state")
        print_table(columns, map(_row, found), whole=("registration", "payload", "channel", "state"))
    else:
        say("Nothing is registered. docs/consumer/register.md shows how.")


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show a registration; secrets are named, never shown."""
    runtime = open_runtime()
    admitted(runtime, place(name)[0])
    found = _find(runtime, name)
    if as_json:
        print_json(_document(found))
    else:
        rows = [(field, _words(value)) for field, value in _document(found).items() if value]
        print_table(("field", "value"), rows, whole=("field",))


@app.command("test")
def send_test(name: Name, as_json: Json = False) -> None:
    """Send a test delivery now."""
    runtime = open_runtime()
    admitted(runtime, place(name)[0])
    receipt = try_out(runtime, _find(runtime, name))
    if as_json:
        print_json(receipt.__dict__)
    else:
        say(f"{name} took the test delivery{_detail(receipt.status_code, receipt.detail)}.")


@app.command()
def send(
    name: Name,
    complete: Annotated[
        bool, typer.Option("--complete", help="All rows again, as if nothing had been received.")
    ] = False,
) -> None:
    """Put the newest version of the registration's tables into the outbox now."""
    runtime, key = open_runtime(), place(name)
    admitted(runtime, key[0])
    state = _find(runtime, name).state
    if state == "disabled":
        remedy = f"Once its endpoint is mended: strata registration resume {name}"
        raise SettingsError(f"{name} is disabled: whatever is to be sent to it is cancelled.", remedy)
    number = number_of(send_newest(runtime, key, complete=complete))
    if state == "paused":
        say(f"{name} is paused: {number} will wait until it is resumed. strata registration resume {name}")
    else:
        say(f"{number} to be sent to {name}. A worker sends them; here and now: strata deliver --once")


@app.command()
def pause(name: Name, reason: Annotated[str, typer.Option(help="Why, for those who look at it later.")] = "") -> None:
    """Hold deliveries back; what happens meanwhile waits."""
    _set_state(name, "paused", reason)
    say(f"{name} is paused. Its deliveries wait until: strata registration resume {name}")


@app.command()
def resume(name: Name) -> None:
    """Let deliveries go on, also after the platform disabled the registration."""
    _set_state(name, "active", "")
    say(f"{name} is active. What failed for good meanwhile: strata dead-letters list {place(name)[0]}")


@app.command()
def rotate(
    name: Name,
    overlap_hours: Annotated[float, typer.Option(min=0, help="Hours in which messages carry both signatures.")] = 24.0,
    as_json: Json = False,
) -> None:
    """Make a new signing key and show it, this once; the old one signs too until the overlap ends."""
    runtime = open_runtime()
    principal = admitted(runtime, place(name)[0])
    registered = rotate_secrets(runtime, place(name), principal, overlap_hours)
    _tell(registered, "has a new key", as_json=as_json)


@app.command()
def remove(name: Name) -> None:
    """End a registration; what was delivered stays in its history."""
    runtime, key = open_runtime(), place(name)
    admitted(runtime, key[0])
    with runtime.control.transaction(current_actor(), key[0]) as connection:
        registry.remove(connection, key)
    say(f"{name} is removed; nothing more is delivered.")


def _given(
    consumer: str | None,
    event: list[str] | None,
    table: list[str] | None,
    channel: str | None,
    payload: str | None,
    format_: str | None,
    column: list[str] | None,
    where: list[str] | None,
    title: str | None,
) -> dict[str, Any]:
    return {
        "consumer": consumer,
        "events": event,
        "tables": table,
        "channel": channel,
        "payload": payload,
        "format": format_,
        "columns": column,
        "where": where,
        "title": title,
    }


@contextmanager
def _all_or(nothing: str) -> Iterator[None]:
    """Let what fails, or is broken off, end with the words that say that nothing came of it."""
    try:
        yield
    except KeyboardInterrupt:
        errors.print(nothing)
        raise
    except StrataError as error:
        tried = "Mend the endpoint, or leave the test out: --no-test." if isinstance(error, DeliveryFailed) else ""
        error.remedy = "\n".join(filter(None, (error.remedy, tried, nothing)))
        raise


def _find(runtime: Runtime, name: str) -> Registration:
    key = place(name)
    with runtime.control.reading(key[0]) as connection:
        return registry.find(connection, key)


def _set_state(name: str, state: str, reason: str) -> None:
    runtime, key = open_runtime(), place(name)
    admitted(runtime, key[0])
    with runtime.control.transaction(current_actor(), key[0]) as connection:
        registry.set_state(connection, key, state, reason)


def _tell(registered: Registered, what: str, *, as_json: bool) -> None:
    shown = {name: value.get_secret_value() for name, value in registered.made.items()}
    if as_json:
        print_json(_document(registered.registration) | {"made": shown})
        return
    receipt = registered.receipt
    tried = f" and took a test delivery{_detail(receipt.status_code, receipt.detail)}" if receipt else ""
    say(f"{registered.registration.label} {what}{tried}.")
    for name, value in shown.items():
        say(f"{name}, shown this once:")
        say(value, style="bold")


def _detail(status_code: int | None, detail: str) -> str:
    said = detail.rstrip(".") or (f"status {status_code}" if status_code else "")
    return f" ({said})" if said else ""


def _document(found: Registration) -> dict[str, Any]:
    kept = {name: item.get("value", item.get("reference", "sealed")) for name, item in found.settings.items()}
    return {
        "registration": found.label,
        "title": found.title,
        "consumer": found.consumer,
        "state": found.state,
        "reason": found.reason,
        "events": found.events,
        "tables": [".".join(table) for table in found.tables],
        "columns": found.columns,
        "where": found.where,
        "payload": found.payload,
        "format": found.format,
        "channel": found.channel,
        "settings": kept,
        "terms": msgspec.to_builtins(found.terms),
    }


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_word(item)}" for name, item in value.items() if item not in (None, ""))
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _word(value: object) -> str:
    """Write a setting or a term as an option takes it: ``60`` and not ``60.0``, ``5,300,1800``."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(_word, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _row(item: Registration) -> tuple[object, ...]:
    what = "\n".join((*item.events, *(".".join(table) for table in item.tables)))
    # About no table there is no version to refer to: the event itself is sent.
    payload = item.payload if item.tables else "event"
    return item.label, item.consumer, what, payload, item.channel, coloured(item.state, _STYLES[item.state])
