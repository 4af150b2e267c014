"""Rejected rows with personal data masked, for whoever may not see it.

The key is masked too where one of its columns is personal: it stands in the entry a
second time.
"""

from __future__ import annotations

import json
from dataclasses import replace

from orchestration.bronze.quarantine import Reject
from orchestration.contracts.model import Contract
from orchestration.failures import StrataError
from orchestration.runtime import Runtime

MASK = "•••"


def masked(entry: Reject, runtime: Runtime) -> Reject:
    """Return the entry with the values of columns masked that its contract marks as personal.

    Without a readable contract nobody can tell which those are, so all are masked.
    """
    contract = _contract(entry, runtime)
    row = {name: _masked(name, value, contract) for name, value in json.loads(entry.raw_row).items()}
    return replace(
        entry,
        raw_row=json.dumps(row, ensure_ascii=False),
        raw_value=_masked(entry.column_name, entry.raw_value, contract),
        key=_masked_key(entry.key, contract),
    )


def _contract(entry: Reject, runtime: Runtime) -> Contract | None:
    source = runtime.sources.get(entry.source)
    try:
        return source.contracts.get(entry.entity) if source else None
    except StrataError:
        return None


def _masked_key(key: str | None, contract: Contract | None) -> str | None:
    public = contract is not None and not any(column.pii for column in contract.key_columns)
    return key if public or key is None else MASK


def _masked(name: str | None, value: str | None, contract: Contract | None) -> str | None:
    """A value without a column is a line that could not be taken apart: it holds every column."""
    if value is None:
        return None
    personal = {column.name: column.pii for column in contract.columns} if contract else {}
    public = bool(personal) and not any(personal.values()) if name is None else not personal.get(name, True)
    return value if public else MASK
