"""What a restored control plane takes back: decisions that were made after the backup.

A revoked key is valid again, a removed tenant is back, a new one is gone; where the control
plane of before is still at hand, they are found by comparing the two.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from orchestration.backup.vanished import vanished

_STATES = "SELECT tenant_id, state FROM tenant WHERE deleted_at IS NULL"
_KEYS = "SELECT prefix, tenant_id FROM api_key WHERE revoked_at IS NULL AND deleted_at IS NULL"
_ERASED = "SELECT tenant_id, audit_id FROM audit WHERE action = 'erase' ORDER BY tenant_id"


def undone(before: Path, restored: Path) -> tuple[str, ...] | None:
    """Say which tenants and keys are back or gone, each with the command that mends it; two files of a control plane.

    ``None``: nobody can tell, because one of them is missing or has another schema.
    """
    if not before.exists() or not restored.exists():
        return None
    try:
        with closing(_look(before)) as then, closing(_look(restored)) as now:
            return (*_tenants(then, now), *_keys(then, now), *_erased(then, now), *vanished(then, now))
    except sqlite3.Error:
        return None


def _look(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)


def _tenants(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    states = dict(then.execute(_STATES))
    for tenant, state in now.execute(f"{_STATES} ORDER BY tenant_id"):
        if tenant not in states or states[tenant] == "removing":
            yield f"tenant {tenant} had been removed and is back: strata tenant remove {tenant} --yes {tenant}"
        elif states[tenant] == "suspended" and state != "suspended":
            yield f"tenant {tenant} had been suspended and is {state} again: strata tenant suspend {tenant}"


def _keys(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    valid = set(then.execute(_KEYS))
    for key, tenant in now.execute(f"{_KEYS} ORDER BY tenant_id, key_id"):
        if (key, tenant) not in valid:
            yield f"key {key} of {tenant} had been revoked and is valid again: strata key revoke {key}"


def _erased(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    """The trail says how many people were erased for a tenant, and not who they were."""
    known = set(now.execute(_ERASED))
    counts = Counter(row[0] for row in then.execute(_ERASED) if row not in known)
    for tenant, people in counts.items():
        again = f"strata tenant erase {tenant} … for each request that you keep"
        yield f"people erased for {tenant} ({people}) may be back: {again}"
