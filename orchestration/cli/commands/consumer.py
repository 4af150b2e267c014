"""``strata consumer``: who gets data delivered, and whom to tell when that fails for good."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.delivery_place import admitted, place, visible_tenant
from orchestration.control.actor import current_actor
from orchestration.delivery import consumers
from orchestration.delivery.registering.registering import require_name
from orchestration.failures import SettingsError
from orchestration.runtime import open_runtime

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TENANT/CONSUMER", help="Such as acme/bi.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def consumer() -> None:
    """Add, list, change and remove those who get data delivered."""


@app.command()
def add(
    name: Name,
    contact: Annotated[str, typer.Option(help="A mail address, or whom else to tell when deliveries fail for good.")],
    title: Annotated[str, typer.Option(help="A name for people.")] = "",
) -> None:
    """Add a consumer of one tenant's data."""
    tenant, consumer_id = place(name)
    require_name(consumer_id, "Consumer")
    if not contact.strip():
        raise SettingsError("--contact is empty.", "Example: --contact bi@example.com")
    runtime = open_runtime()
    admitted(runtime, tenant)
    with runtime.control.transaction(current_actor(), tenant) as connection:
        consumers.add(connection, tenant, consumer_id, title, contact.strip())
    say(f"Consumer {name} is there. Next: strata registration add {tenant}/NAME --consumer {consumer_id} …")


@app.command("list")
def list_consumers(
    tenant: Annotated[str | None, typer.Argument(help="Only this tenant's.")] = None, as_json: Json = False
) -> None:
    """List consumers and how often each is registered."""
    runtime = open_runtime()
    limited = visible_tenant(runtime, tenant)
    with runtime.control.reading(limited) as connection:
        found = consumers.consumers(connection, limited)
    if as_json:
        print_json([item.__dict__ for item in found])
    elif found:
        rows = [(f"{item.tenant}/{item.consumer}", item.title, item.contact, item.registrations) for item in found]
        print_table(
            ("consumer", "title", "contact", "registrations"),
            rows,
            numbers=("registrations",),
            whole=("consumer", "registrations"),
        )
    else:
        say("There are no consumers. Add one: strata consumer add TENANT/NAME --contact …")


@app.command()
def change(
    name: Name,
    contact: Annotated[str | None, typer.Option(help="The new contact.")] = None,
    title: Annotated[str | None, typer.Option(help="The new name for people.")] = None,
) -> None:
    """Change a consumer's contact or title."""
    tenant, consumer_id = place(name)
    values = {column: value for column, value in (("contact", contact), ("title", title)) if value}
    if not values:
        raise typer.BadParameter("Give --contact or --title.")
    runtime = open_runtime()
    admitted(runtime, tenant)
    with runtime.control.transaction(current_actor(), tenant) as connection:
        differs = consumers.change(connection, tenant, consumer_id, values)
    say(f"{name} is changed." if differs else f"{name} is like that already.")


@app.command()
def remove(name: Name) -> None:
    """Remove a consumer who is registered for nothing any more."""
    tenant, consumer_id = place(name)
    runtime = open_runtime()
    admitted(runtime, tenant)
    with runtime.control.transaction(current_actor(), tenant) as connection:
        consumers.remove(connection, tenant, consumer_id)
    say(f"Consumer {name} is removed.")
