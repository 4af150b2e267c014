"""What was made after the backup and is gone with the restore, each with the command that makes it again.

Secrets are not in the control plane, so a key is made anew: whoever had the old one needs the new one.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterator

from orchestration.control.tables import PLATFORM
from orchestration.tenancy.registration import READER

_PLANS = "SELECT plan_id, title, quotas, features, schedules FROM plan WHERE deleted_at IS NULL ORDER BY plan_id"
_TENANTS = (
    "SELECT tenant_id, title, plan_id FROM tenant WHERE deleted_at IS NULL AND state <> 'removing' ORDER BY tenant_id"
)
_CONNECTIONS = (
    "SELECT source, instance, simulated, settings FROM connection "
    "WHERE tenant_id = ? AND deleted_at IS NULL ORDER BY source, instance"
)
_KEYS = (
    "SELECT key_id, prefix, tenant_id, principal_id, scopes FROM api_key "
    "WHERE revoked_at IS NULL AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > datetime('now')) "
    "AND tenant_id NOT IN (SELECT tenant_id FROM tenant WHERE deleted_at IS NOT NULL OR state = 'removing') "
    "ORDER BY tenant_id, key_id"
)


def vanished(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    """Yield what ``then`` had and ``now`` has not: plans first, for tenants are on them, then tenants, then keys."""
    yield from _plans(then, now)
    yield from _tenants(then, now)
    present = {row[0] for row in now.execute("SELECT key_id FROM api_key")}
    tenants = {PLATFORM, *(row[0] for row in now.execute(_TENANTS))}
    for key_id, prefix, tenant, principal, scopes in then.execute(_KEYS):
        # `tenant add` makes the first key of a tenant by itself.
        if key_id not in present and (tenant in tenants or principal != READER):
            listed = [part for scope in json.loads(scopes) for part in ("--scope", scope)]
            command = shlex.join(["strata", "key", "create", tenant, principal, *listed, "--grant"])
            yield f"key {prefix} of {principal} ({tenant}) had been made and is gone: {command}"


def _plans(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    present = {row[0] for row in now.execute(_PLANS)}
    for name, title, quotas, features, schedules in then.execute(_PLANS):
        if name not in present:
            switches = {feature: "on" if value else "off" for feature, value in json.loads(features).items()}
            terms = (("--quota", json.loads(quotas)), ("--feature", switches), ("--schedule", json.loads(schedules)))
            options = [part for option, values in terms for item in values.items() for part in _option(option, item)]
            command = shlex.join(["strata", "plan", "set", name, "--title", title, *options])
            yield f"plan {name} had been made and is gone: {command}"


def _option(option: str, item: tuple[str, object]) -> tuple[str, str]:
    return option, f"{item[0]}={item[1]}"


def _tenants(then: sqlite3.Connection, now: sqlite3.Connection) -> Iterator[str]:
    present = {row[0] for row in now.execute(_TENANTS)}
    for name, title, plan in then.execute(_TENANTS):
        if name not in present:
            on_plan = ["--plan", plan] if plan else []
            parts = ["strata", "tenant", "add", name, "--title", title, *on_plan, *_connections(then, name)]
            yield f"tenant {name} had been added and is gone: {shlex.join(parts)}"


def _connections(then: sqlite3.Connection, tenant: str) -> Iterator[str]:
    for source, instance, simulated, settings in then.execute(_CONNECTIONS, (tenant,)):
        place = source if instance == "main" else f"{source}/{instance}"
        yield from ("--connection", f"{place}={'simulated' if simulated else 'environment'}")
        for name, item in json.loads(settings).items():
            yield from ("--setting", f"{place}.{name}={item.get('reference') or item.get('value')}")
