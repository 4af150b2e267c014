"""Who reads, and what that one may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orchestration.failures import SettingsError

EVERY_TENANT = "*"
"""The tenant of principals that belong to the platform itself."""


class Permission(StrEnum):
    """What a principal may do with its tenant's data; a key's scopes are some of its principal's."""

    READ = "read"
    """Published tables and their versions."""
    STATUS = "status"
    """Loads and alerts."""
    QUARANTINE = "quarantine"
    """Rejected rows, personal values masked."""
    SQL = "sql"
    """Statements of one's own, over the tenant's rows alone."""
    DELIVERY = "delivery"
    """Registering for deliveries, and looking at what became of them."""
    PII = "pii"
    """Clear values: bronze tables, and rejected rows unmasked."""


@dataclass(frozen=True)
class Principal:
    """A person or service that reads for ``tenant``, or for any when that is ``*``."""

    tenant: str
    principal_id: str
    permissions: frozenset[Permission]

    def belongs_to(self, tenant: str) -> bool:
        """Say whether a tenant is this principal's own business."""
        return self.tenant in {tenant, EVERY_TENANT}


def read_permissions(words: Iterable[str]) -> frozenset[Permission]:
    """Read permissions from their words.

    Raises:
        SettingsError: a word is none; names it and those there are.
    """
    found = set()
    for word in words:
        if word not in set(Permission):
            raise SettingsError(f"{word!r} is no permission.", f"There are: {', '.join(Permission)}.")
        found.add(Permission(word))
    return frozenset(found)


def operator(name: str, *, clear: bool = False) -> Principal:
    """Return who works at the platform's own command line; ``clear`` lets them see personal values."""
    permissions = set(Permission) if clear else set(Permission) - {Permission.PII}
    return Principal(EVERY_TENANT, name, frozenset(permissions))
