"""``strata deliveries``: what was sent, what waits and why; send it again, or not at all."""

from __future__ import annotations

import typer

from orchestration.cli import delivery_views as views
from orchestration.cli.console import print_json, say
from orchestration.control.actor import current_actor
from orchestration.delivery import replay as again
from orchestration.runtime import open_runtime

app = typer.Typer(no_args_is_help=True)


@app.callback()
def deliveries() -> None:
    """List, show, replay and cancel deliveries."""


@app.command("list")
def list_them(
    tenant: views.Which = None,
    registration: views.OfRegistration = None,
    state: views.InState = None,
    since: views.Since = None,
    until: views.Until = None,
    limit: views.Limit = 50,
    as_json: views.Json = False,
) -> None:
    """List deliveries, the newest first."""
    runtime = open_runtime()
    selection = views.selected(runtime, tenant, registration, state, since, until)
    views.print_list(runtime, selection, limit, as_json=as_json, nothing="There are no such deliveries.")


@app.command()
def show(delivery: views.Named, as_json: views.Json = False) -> None:
    """Show a delivery: every attempt and what came back, and the events that it carries."""
    views.print_one(open_runtime(), delivery, as_json=as_json)


@app.command()
def replay(
    which: views.Which = None,
    registration: views.OfRegistration = None,
    state: views.InState = None,
    since: views.Since = None,
    until: views.Until = None,
    as_json: views.Json = False,
) -> None:
    """Send again, under the same ids: one delivery, or those of a registration or a time, delivered ones too."""
    runtime = open_runtime()
    selection = views.selected(runtime, which, registration, state, since, until)
    if not (selection.delivery_id or registration or since):
        raise typer.BadParameter("Name a delivery, --registration or --since.")
    if not selection.delivery_id and not state:
        selection = views.selected(runtime, which, registration, ["delivered", "dead"], since, until)
    _tell(again.replay(runtime.control, selection, current_actor()), "to be sent again", as_json=as_json)


@app.command()
def cancel(
    which: views.Which = None,
    registration: views.OfRegistration = None,
    since: views.Since = None,
    until: views.Until = None,
    as_json: views.Json = False,
) -> None:
    """Cancel what waits: one delivery, or those of a registration or a time; what is being sent ends."""
    runtime = open_runtime()
    selection = views.selected(runtime, which, registration, None, since, until)
    if not (selection.delivery_id or registration or since):
        raise typer.BadParameter("Name a delivery, --registration or --since.")
    _tell(again.cancel(runtime.control, selection, current_actor()), "cancelled", as_json=as_json)


def _tell(number: int, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"deliveries": number})
    else:
        say(f"{views.number_of(number)} {what}.")
