"""``strata dead-letters``: what failed for good, with every attempt; sent again when its cause is mended."""

from __future__ import annotations

import typer

from orchestration.cli import delivery_views as views
from orchestration.cli.console import print_json, say
from orchestration.control.actor import current_actor
from orchestration.delivery import replay as again
from orchestration.runtime import open_runtime

app = typer.Typer(no_args_is_help=True)


@app.callback()
def dead_letters() -> None:
    """List what failed for good, and send it again."""


@app.command("list")
def list_them(
    tenant: views.Which = None,
    registration: views.OfRegistration = None,
    since: views.Since = None,
    until: views.Until = None,
    limit: views.Limit = 50,
    as_json: views.Json = False,
) -> None:
    """List dead letters, the newest first."""
    runtime = open_runtime()
    selection = views.only_dead(views.selected(runtime, tenant, registration, None, since, until))
    views.print_list(runtime, selection, limit, as_json=as_json, nothing="There are no dead letters.")


@app.command()
def show(delivery: views.Named, as_json: views.Json = False) -> None:
    """Show a dead letter: every attempt and what came back, and the events that it carries."""
    views.print_one(open_runtime(), delivery, as_json=as_json)


@app.command()
def replay(
    which: views.Which = None,
    registration: views.OfRegistration = None,
    since: views.Since = None,
    until: views.Until = None,
    as_json: views.Json = False,
) -> None:
    """Send dead letters again, under the same ids: all of them, or those that are named."""
    runtime = open_runtime()
    selection = views.only_dead(views.selected(runtime, which, registration, None, since, until))
    number = again.replay(runtime.control, selection, current_actor())
    if as_json:
        print_json({"deliveries": number})
    else:
        say(f"{views.number_of(number)} to be sent again. A worker sends them; here and now: strata deliver --once")


@app.command()
def cancel(
    which: views.Which = None,
    registration: views.OfRegistration = None,
    since: views.Since = None,
    until: views.Until = None,
    as_json: views.Json = False,
) -> None:
    """Put dead letters away: they stay in the history and count as trouble no more."""
    runtime = open_runtime()
    selection = views.only_dead(views.selected(runtime, which, registration, None, since, until))
    number = again.cancel(runtime.control, selection, current_actor())
    if as_json:
        print_json({"deliveries": number})
    else:
        say(f"{views.number_of(number)} put away.")
