"""``strata key``: API keys of tenants' programs and people, shown once and never again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from orchestration.access.principal import Permission, read_permissions
from orchestration.cli.console import coloured, moment, print_json, print_table, say
from orchestration.control import open_control
from orchestration.control.actor import current_actor
from orchestration.control.key_form import PREFIX
from orchestration.control.key_ring import KeyRing
from orchestration.control.keys import Issued, Key, Keys
from orchestration.control.pepper import read_pepper
from orchestration.control.registry import tenant_state
from orchestration.failures import SettingsError
from orchestration.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `strata key list` shows it.")]
_STYLES = {"live": "green", "replaced": "yellow"}


@app.callback()
def key() -> None:
    """Make, list, replace and end API keys."""


@app.command()
def create(
    tenant: Annotated[str, typer.Argument(help="Whose data it opens; '*' for the platform's own programs.")],
    principal: Annotated[str, typer.Argument(help="Who uses it, such as portal; made when there is none.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do: {', '.join(Permission)}; may be repeated.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never when left out.")] = None,
    person: Annotated[bool, typer.Option("--person", help="A new principal is a person, not a program.")] = False,
    grant: Annotated[bool, typer.Option("--grant", help="Give a known principal the permissions it lacks.")] = False,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    scopes = read_permissions(scope)
    lifetime = timedelta(days=days) if days else None
    kind = "person" if person else "service"
    issued = _keys(load_settings()).issue(tenant, principal, scopes, lifetime=lifetime, kind=kind, grant=grant)
    _show(issued, as_json=as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Expired and revoked keys too.")] = False,
    as_json: Json = False,
) -> None:
    """List keys: whose, what they may do, until when, and when they were last used."""
    settings, now = load_settings(), datetime.now(UTC)
    found = [item for item in _keys(settings).listed(tenant) if every or item.works(now)]
    if as_json:
        print_json([_document(item) for item in found])
    elif found:
        columns = ("key", "tenant", "principal", "scopes", "state", "expires", "last used")
        print_table(columns, [_row(item, settings.timezone, now) for item in found])
    else:
        say("There are no keys." if every else "There are no keys that work; --all shows the others.")


@app.command()
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, help="Hours that the old key works on.")] = 24.0,
    as_json: Json = False,
) -> None:
    """Make a key that takes another's place, and show it, this once; both work until the overlap ends."""
    issued = _keys(load_settings()).rotate(key_id, overlap=timedelta(hours=overlap_hours))
    _show(issued, as_json=as_json)
    if not as_json:
        say(f"The old key works for another {overlap_hours:g} hours; end it sooner with `strata key revoke`.")


@app.command()
def revoke(key_id: KeyId, as_json: Json = False) -> None:
    """End a key; every process refuses it within a second."""
    settings, now = load_settings(), datetime.now(UTC)
    ended = _keys(settings).revoke(key_id)
    already = " already" if ended.revoked_at and ended.revoked_at < now else ""
    if as_json:
        print_json(_document(ended))
    else:
        say(f"{PREFIX}{ended.key_id} of {ended.principal_id} ({ended.tenant_id}) is revoked{already}.")


@app.command()
def check(as_json: Json = False) -> None:
    """Say whose the key in STRATA_KEY is and what it may do."""
    settings = load_settings()
    if settings.key is None:
        raise SettingsError("STRATA_KEY is not set.", "Put the key there: a key on a command line stays in histories.")
    control = open_control(settings)
    holder = KeyRing(control, read_pepper(settings, control)).check(settings.key.get_secret_value())
    state = tenant_state(control, holder.tenant_id)
    if as_json:
        print_json(holder.__dict__ | {"permissions": sorted(holder.permissions), "tenant_state": state})
    else:
        allowed = ", ".join(sorted(holder.permissions)) or "nothing"
        say(f"{PREFIX}{holder.key_id} is of {holder.principal_id} ({holder.tenant_id}) and may: {allowed}.")
    if state == "suspended" and not as_json:
        say(f"Tenant {holder.tenant_id} is suspended: the key opens nothing until it is resumed.", style="yellow")


def _keys(settings: Settings) -> Keys:
    control = open_control(settings)
    return Keys(control, read_pepper(settings, control), current_actor())


def _show(issued: Issued, *, as_json: bool) -> None:
    secret = issued.secret.get_secret_value()
    if as_json:
        print_json(_document(issued.key) | {"secret": secret})
        return
    say(f"Key of {issued.key.principal_id} ({issued.key.tenant_id}); it is shown this once:")
    say(secret, style="bold")


def _document(item: Key) -> dict[str, Any]:
    return item.__dict__ | {"key": f"{PREFIX}{item.key_id}", "state": item.state(datetime.now(UTC))}


def _row(item: Key, zone: str, now: datetime) -> tuple[object, ...]:
    state = item.state(now)
    return (
        f"{PREFIX}{item.key_id}",
        item.tenant_id,
        item.principal_id,
        ", ".join(item.scopes),
        coloured(state, _STYLES.get(state, "")),
        moment(item.expires_at, zone) or "never",
        moment(item.last_used_at, zone) or "never",
    )
