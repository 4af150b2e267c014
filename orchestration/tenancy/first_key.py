"""The API key that a tenant gets with its first day: shown once, and made anew when it never was shown."""

from __future__ import annotations

from orchestration.control import Control, keys
from orchestration.tenancy.registration import READER


def replace_first_key(control: Control, tenant: str) -> str:
    """Revoke the keys that a broken-off onboarding may have made without showing them, and return a new one."""
    for known in keys.list_keys(control, tenant):
        if known.principal_id == READER and known.revoked_at is None:
            keys.revoke_key(control, tenant, known.key_id)
    return keys.create_key(control, tenant, READER).secret
