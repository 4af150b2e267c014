"""What ``strata doctor`` says of an org: sign-in, API version, the contracts' objects, the allowance left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.contracts.extraction import Check
from orchestration.contracts.reader import read_contracts
from orchestration.failures import StrataError
from source_systems.salesforce.org import Org, json_object
from source_systems.salesforce.refusals import told_as_failures

_CONTRACTS = Path(__file__).parent / "contracts"
_LOW = 0.1


def checks(org: Org) -> list[Check]:
    """Look at the org; without a sign-in nothing further can be said."""
    first = _checked(org, "sign-in", _sign_in)
    if not first[0].ok:
        return first
    for name, ask in {"API version": _version, "objects": _objects, "API usage": _allowance}.items():
        first += _checked(org, name, ask)
    return first


def _checked(org: Org, name: str, ask: Callable[[Org], list[Check]]) -> list[Check]:
    try:
        with told_as_failures(org.connection.label):
            return ask(org)
    except StrataError as error:
        return [Check(name, ok=False, detail=error.message, remedy=error.remedy)]


def _sign_in(org: Org) -> list[Check]:
    org.sign_in()
    flow = "JWT bearer" if org.connection.get("private_key_file") else "client credentials"
    return [Check("sign-in", ok=True, detail=f"signed in by {flow}")]


def _version(org: Org) -> list[Check]:
    """The resources of a version answer only where the org serves it."""
    org.get("", json_object)
    return [Check("API version", ok=True, detail=f"v{org.version}")]


def _objects(org: Org) -> list[Check]:
    visible = {item["name"] for item in org.get("sobjects/", json_object)["sobjects"] if item["queryable"]}
    wanted = sorted(contract.physical_name for contract in read_contracts(_CONTRACTS, "salesforce").values())
    missing = [name for name in wanted if name not in visible]
    if missing:
        detail = f"cannot query {', '.join(missing)}"
        return [Check("objects", ok=False, detail=detail, remedy="Give the integration user read access to them.")]
    return [Check("objects", ok=True, detail=f"{len(wanted)} objects can be queried")]


def _allowance(org: Org) -> list[Check]:
    limits = org.get("limits/", json_object)
    return [_left(limits, "DailyApiRequests", "API usage"), _left(limits, "DailyBulkV2QueryJobs", "Bulk API usage")]


def _left(limits: dict[str, Any], limit: str, name: str) -> Check:
    most, left = int(limits[limit]["Max"]), int(limits[limit]["Remaining"])
    enough = left > most * _LOW
    remedy = "" if enough else "Wait until the 24-hour window moves, or raise the org's limit."
    return Check(name, ok=enough, detail=f"{left} of {most} left today", remedy=remedy)
