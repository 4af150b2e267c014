"""``strata sources``: what can be loaded, and for whom."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.contracts.source import SourceSystem, find_sources
from orchestration.control.registry import registered_tenants
from orchestration.settings import load_settings
from orchestration.tenants import Tenant

app = typer.Typer()


@app.command()
def sources(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List source systems, their entities, schedules, owners and connections."""
    settings = load_settings()
    found = find_sources(settings.sources_dir)
    tenants = registered_tenants(settings, found)
    described = [_describe(source, list(tenants.values())) for source in found.values()]
    if as_json:
        print_json({"sources": described})
        return
    for source in described:
        _show(source)


def _describe(source: SourceSystem, tenants: list[Tenant]) -> dict[str, Any]:
    """Return a source as plain data; connections without their settings, which may be secret."""
    connections = [connection for tenant in tenants for connection in tenant.of_source(source.name)]
    return {
        "name": source.name,
        "title": source.description.title,
        "owner": source.description.owner,
        "schedule": source.description.schedule.model_dump(),
        "faults": [str(fault) for fault in (source.fault, *source.faults.values()) if fault],
        "settings": [setting.model_dump() for setting in source.description.settings],
        "connections": [{"label": item.label, "simulated": item.simulated} for item in connections],
        "entities": [
            {
                "name": contract.entity,
                "key": list(contract.key),
                "cursor": contract.cursor,
                "deletes": contract.deletes.value,
                "columns": len(contract.columns),
                "description": contract.description,
            }
            for contract in source.contracts.values()
        ],
    }


def _show(source: dict[str, Any]) -> None:
    say(f"{source['name']} · {source['title']} · owner {source['owner']}", style="bold")
    for fault in source["faults"]:
        say(fault, style="red")
    labels = [f"{item['label']}{' (simulated)' if item['simulated'] else ''}" for item in source["connections"]]
    schedule = source["schedule"]
    say(f"connections: {', '.join(labels) or 'none'}")
    say(f"schedule: daily {schedule['daily'] or 'never'}, hourly {schedule['hourly'] or 'never'}")
    for setting in source["settings"]:
        needed = "" if setting["required"] else ", optional"
        variable = f"STRATA_{source['name']}__<TENANT>__{setting['name']}".upper()
        say(f"setting: {variable} ({setting['description']}{needed})")
    rows = [
        (entity["name"], ", ".join(entity["key"]), entity["cursor"], entity["deletes"], entity["columns"])
        for entity in source["entities"]
    ]
    print_table(("entity", "key", "cursor", "deletes", "columns"), rows, numbers=("columns",))
    say("")
