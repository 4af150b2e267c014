"""Writes the simulated company into an org, day by day, with the stamps that Salesforce would set."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from orchestration.failures import SettingsError
from source_systems._simulation.change import Change, System
from source_systems._simulation.world import World
from source_systems.salesforce.simulator.life import Address, forget
from source_systems.salesforce.simulator.records import Records, open_records

_SYSTEM: System = "salesforce"


def org_file(folder: Path, place: str) -> Path:
    """Return the file that holds one org."""
    return folder / "orgs" / f"{place}.sqlite"


def bring_to(address: Address, place: str, day: int, *, seed: int, size: int) -> None:
    """Make an org's records if there are none, then apply the world's days up to ``day``.

    Raises:
        SettingsError: the org holds a world of another seed or size.
    """
    with open_records(org_file(Path(address["folder"]), place)) as records:
        _require_same_world(records, place, seed, size)
        world = World(place, seed, size)
        first = records.fact("day")
        for number in range(0 if first is None else first + 1, day + 1):
            changes = world.day(number, _SYSTEM) if number else world.initial(_SYSTEM)
            with records.transaction():
                apply(records, changes, datetime.now(UTC))
                records.remember("day", number)


def has_data(address: Address, place: str) -> bool:
    """Say whether there is an org."""
    return org_file(Path(address["folder"]), place).exists()


def remove(address: Address, place: str) -> None:
    """Delete an org's records."""
    file = org_file(Path(address["folder"]), place)
    forget(address, place)
    for path in (file, *file.parent.glob(f"{file.name}-*")):
        path.unlink(missing_ok=True)


def apply(records: Records, changes: Iterable[Change], now: datetime) -> None:
    """Apply changes inside the caller's transaction; all of them carry the same instant, less their age."""
    for change in changes:
        moment = now - change.age
        if change.op == "delete":
            records.purge(change.table, change.row["Id"])
        else:
            records.put(change.table, _stamps(change, moment) | change.row)
        if change.op == "delete" or change.row.get("IsDeleted"):
            records.log_deletion(change.table, change.row["Id"], moment)
        elif change.op == "update":
            records.forget_deletion(change.table, change.row["Id"])


def _stamps(change: Change, moment: datetime) -> dict[str, datetime]:
    """Return the technical timestamps; a row that brings its own ``CreatedDate`` keeps it."""
    if change.formula_only:
        return {}
    stamps = {"LastModifiedDate": moment, "SystemModstamp": moment}
    return {"CreatedDate": moment, **stamps} if change.op == "insert" else stamps


def _require_same_world(records: Records, place: str, seed: int, size: int) -> None:
    world = {"seed": seed, "size": size}
    kept = records.fact("world")
    if kept is None:
        records.remember("world", world)
    elif kept != world:
        raise SettingsError(
            f"The simulated Salesforce org of {place} was made with {kept}, not with {world}.",
            "Set STRATA_WORLD_SEED and STRATA_WORLD_SIZE back, or use another STRATA_HOME.",
        )
