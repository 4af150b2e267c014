"""The API key that a tenant gets with its first day: shown once, and made anew when it never was shown."""

from __future__ import annotations

from orchestration.control.actor import current_actor
from orchestration.control.keys import Keys
from orchestration.control.pepper import read_pepper
from orchestration.runtime import Runtime
from orchestration.tenancy.registration import READER, SCOPES


def replace_first_key(runtime: Runtime, tenant: str) -> str:
    """Revoke the keys that a broken-off onboarding may have made without showing them, and return a new one."""
    keys = Keys(runtime.control, read_pepper(runtime.settings, runtime.control), current_actor())
    for known in keys.listed(tenant, READER):
        keys.revoke(known.key_id, tenant=tenant)
    return keys.issue(tenant, READER, SCOPES).secret.get_secret_value()
