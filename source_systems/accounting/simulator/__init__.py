"""A stand-in for the accountants: writes the simulated company's files into a folder of each tenant.

The folder is the protocol, so there is no server: "starting" it makes the folder. After each business day the
stacks whose content changed are exported anew, as an accounting program does it: a month that runs grows, and one
that is over changes when a bank takes back a payment. Of a stack the export before stays in the folder, as it would.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from orchestration.failures import SettingsError
from source_systems._simulation.accounts import ACCOUNTS, COST_CENTERS, chart_of
from source_systems._simulation.books import Posting, postings
from source_systems._simulation.business_days import date_of
from source_systems._simulation.costs import FIRST_MONTH, plan
from source_systems._simulation.world import World
from source_systems.accounting.simulator.writing import encode_stack, encode_table

Address = Mapping[str, str]


def start(folder: Path) -> Address:
    """Make the folder below which each tenant has its own."""
    folder.mkdir(parents=True, exist_ok=True)
    return {"folder": str(folder)}


def is_running(address: Address) -> bool:
    """Say whether the folder is there."""
    return Path(address["folder"]).is_dir()


def stop(address: Address) -> None:
    """Do nothing: files need nobody."""


def settings_for(address: Address, place: str) -> dict[str, str]:
    """Return the settings of one tenant's connection."""
    return {"folder": str(_inbox(address, place))}


def has_data(address: Address, place: str) -> bool:
    """Say whether there are files of a tenant."""
    return _inbox(address, place).exists()


def remove(address: Address, place: str) -> None:
    """Delete a tenant's files."""
    shutil.rmtree(_inbox(address, place), ignore_errors=True)
    _notes(address, place).unlink(missing_ok=True)


def bring_to(address: Address, place: str, day: int, *, seed: int, size: int) -> None:
    """Write the files as they are after business day ``day``; one that is not changed is not written again.

    Raises:
        SettingsError: the folder holds the files of another world.
    """
    notes = _notes(address, place)
    known = json.loads(notes.read_text()) if notes.exists() else {"seed": seed, "size": size, "day": -1, "stacks": {}}
    if (known["seed"], known["size"]) != (seed, size):
        message = f"{place}/accounting: simulated with size {known['size']} and seed {known['seed']} before."
        remedy = "Set STRATA_WORLD_SIZE and STRATA_WORLD_SEED back, or take another STRATA_HOME."
        raise SettingsError(message, remedy)
    if known["day"] >= day:
        return
    inbox, world = _inbox(address, place), World(place, seed, size)
    inbox.mkdir(parents=True, exist_ok=True)
    _write_tables(inbox, world, date_of(day).year)
    exported = datetime.now()  # noqa: DTZ005 - an accounting program writes its own clock
    for month, booked in groupby(postings(world, day), key=lambda posting: posting.day.replace(day=1)):
        stack = f"{month:%Y-%m}"
        known["stacks"][stack] = _export(inbox, stack, list(booked), known["stacks"].get(stack), exported)
    _put(notes, json.dumps(known | {"day": day}).encode())


def _export(
    inbox: Path, stack: str, booked: list[Posting], last: Mapping[str, object] | None, exported: datetime
) -> Mapping[str, object]:
    """Write a month's stack when it differs from its last export; return what is known of it then."""
    digest = hashlib.sha256(repr(booked).encode()).hexdigest()
    if last and last["digest"] == digest:
        return last
    number = int(str(last["number"])) + 1 if last else 1
    chart = chart_of(inbox.name)
    _put(_file(inbox, stack, number), encode_stack(booked, chart, exported + timedelta(milliseconds=number)))
    _file(inbox, stack, number - 2).unlink(missing_ok=True)
    return {"number": number, "digest": digest}


def _write_tables(inbox: Path, world: World, year: int) -> None:
    chart = chart_of(inbox.name)
    accounts: list[list[object]] = [
        [chart, a.number(chart), a.name, a.position, a.sign, a.automatic_key, a.collects_key, a.tax_percent or ""]
        for a in sorted(ACCOUNTS, key=lambda account: account.number(chart))
    ]
    tax = ["automatic_tax_key", "collects_tax_key", "tax_percent"]
    tables: dict[str, tuple[list[str], list[list[object]]]] = {
        "chart_of_accounts": (["chart", "account", "name", "pl_position", "sign", *tax], accounts),
        "cost_center": (["cost_center", "name"], [[number, name] for number, name in COST_CENTERS.items()]),
    }
    for planned in range(FIRST_MONTH.year, year + 1):
        rows: list[list[object]] = [
            [line.month.year, line.month.month, line.cost_center, line.account.number(chart), line.amount]
            for line in plan(world.company, planned)
        ]
        tables[f"budget_{planned}"] = (["year", "month", "cost_center", "account", "amount"], rows)
    for name, (names, rows) in tables.items():
        _put(inbox / f"{name}.csv", encode_table(names, rows))


def _put(path: Path, body: bytes) -> None:
    """Write a file that nobody sees before it is whole."""
    if path.exists() and path.read_bytes() == body:
        return
    draft = path.with_name(f"{path.name}.part")
    draft.write_bytes(body)
    draft.rename(path)


def _file(inbox: Path, stack: str, number: int) -> Path:
    return inbox / f"EXTF_Buchungsstapel_{stack}_{number:03d}.csv"


def _inbox(address: Address, place: str) -> Path:
    return Path(address["folder"]) / place


def _notes(address: Address, place: str) -> Path:
    return Path(address["folder"]) / f"{place}.json"
