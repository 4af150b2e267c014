"""What a restored control plane takes back: decisions that were made after the backup and protect somebody.

A revoked key is valid again and a removed tenant is back; where the control plane of before
is still at hand, they are found by comparing the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_STATES = "SELECT tenant_id, state FROM tenant WHERE deleted_at IS NULL"
_KEYS = "SELECT key_id, tenant_id FROM api_key WHERE revoked_at IS NULL AND deleted_at IS NULL"


def undone(before: Path, restored: Path) -> tuple[str, ...]:
    """Say which tenants and keys are back, each with the command that mends it; two files of a control plane.

    Nothing is said where one of them is missing or has another schema.
    """
    if not before.exists() or not restored.exists():
        return ()
    try:
        with closing(_look(before)) as then, closing(_look(restored)) as now:
            return (*_tenants(then, now), *_keys(then, now))
    except sqlite3.Error:
        return ()


def _look(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)


def _tenants(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    states = dict(then.execute(_STATES))
    for tenant, state in now.execute(f"{_STATES} ORDER BY tenant_id"):
        if tenant not in states or states[tenant] == "removing":
            yield f"tenant {tenant} had been removed and is back: strata tenant remove {tenant}"
        elif states[tenant] == "suspended" and state != "suspended":
            yield f"tenant {tenant} had been suspended and is {state} again: strata tenant suspend {tenant}"


def _keys(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    valid = set(then.execute(_KEYS))
    for key, tenant in now.execute(f"{_KEYS} ORDER BY tenant_id, key_id"):
        if (key, tenant) not in valid:
            yield f"key {key} of {tenant} had been revoked and is valid again: strata key revoke {key}"
