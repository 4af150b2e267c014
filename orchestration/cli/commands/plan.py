"""``strata plan``: quotas, features and schedules that tenants share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.terms import in_words
from orchestration.failures import SettingsError
from orchestration.runtime import open_runtime
from orchestration.tenancy import plans
from orchestration.tenancy.identifier import require_name
from orchestration.tenancy.options import read_terms

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_TERMS = ("quotas", "features", "schedules")


@app.callback()
def plan() -> None:
    """Quotas, features and schedules that tenants share."""


@app.command("list")
def list_plans(as_json: Json = False) -> None:
    """List the plans with how many tenants are on each."""
    found = plans.list_plans(open_runtime().control)
    shown = [{name: row[name] for name in ("plan_id", "title", "tenants", *_TERMS)} for row in found]
    if as_json:
        print_json({"plans": shown})
        return
    rows = [(row["plan_id"], row["title"], row["tenants"], *(in_words(row[kind]) for kind in _TERMS)) for row in shown]
    print_table(("plan", "title", "tenants", *_TERMS), rows, numbers=("tenants",))


@app.command()
def show(name: Annotated[str, typer.Argument(help="The plan's name.")], as_json: Json = False) -> None:
    """Show one plan."""
    found = [row for row in plans.list_plans(open_runtime().control) if row["plan_id"] == name]
    if not found:
        raise SettingsError(f"Plan {name!r} is unknown.", "See: strata plan list.")
    document = {key: found[0][key] for key in ("plan_id", "title", "tenants", *_TERMS)}
    if as_json:
        print_json(document)
        return
    for key, value in document.items():
        say(f"{key}: {in_words(value) if key in _TERMS else value}")


@app.command("set")
def set_plan(
    name: Annotated[str, typer.Argument(help="The plan's name.")],
    title: Annotated[str | None, typer.Option(help="The name for people.")] = None,
    quota: Annotated[list[str] | None, typer.Option(help="name=number; name= takes it back.")] = None,
    feature: Annotated[list[str] | None, typer.Option(help="name=on|off; name= takes it back.")] = None,
    schedule: Annotated[list[str] | None, typer.Option(help="name=value; name= takes it back.")] = None,
) -> None:
    """Make a plan or change it; tenants on it go by it with their next run."""
    runtime = open_runtime()
    values: dict[str, Any] = dict(read_terms(quota, feature, schedule, runtime.sources))
    if title is not None:
        values["title"] = title
    changed = plans.set_plan(runtime.control, require_name(name), values)
    say(f"Plan {name}: {'set' if changed else 'nothing differs'}.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="The plan's name.")]) -> None:
    """Take away a plan that no tenant is on."""
    plans.remove_plan(open_runtime().control, name)
    say(f"Plan {name} is removed.")
