"""Rejected rows with personal data masked, for screens, logs and tickets."""

from __future__ import annotations

import json
from dataclasses import replace

from orchestration.bronze.quarantine import Reject
from orchestration.contracts.model import Contract
from orchestration.runtime import Runtime

MASK = "•••"


def masked(entry: Reject, runtime: Runtime) -> Reject:
    """Return the entry with the values of columns masked that its contract marks as personal.

    Without a readable contract nobody can tell which those are, so all are masked.
    """
    source = runtime.sources.get(entry.source)
    contract = source.contracts.get(entry.entity) if source else None
    row = {name: _masked(name, value, contract) for name, value in json.loads(entry.raw_row).items()}
    value = _masked(entry.column_name, entry.raw_value, contract) if entry.column_name else entry.raw_value
    return replace(entry, raw_row=json.dumps(row, ensure_ascii=False), raw_value=value)


def _masked(name: str, value: str | None, contract: Contract | None) -> str | None:
    if value is None:
        return None
    public = contract is not None and any(column.name == name and not column.pii for column in contract.columns)
    return value if public else MASK
