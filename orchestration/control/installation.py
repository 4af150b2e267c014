"""Facts of this installation, and the memory of names that were removed without keeping the names."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from sqlalchemy import Connection, select

from orchestration.control import changes
from orchestration.control.tables import installation, removed

_SECRET = "removed_names"  # noqa: S105 - the name of the fact


def fact(connection: Connection, name: str) -> str:
    """Return a fact's value; empty when it is not known."""
    statement = select(installation.c.value).where(installation.c.name == name)
    return connection.execute(statement).scalar() or ""


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Write a fact down."""
    if fact(connection, name):
        changes.update(connection, installation, {"name": name}, {"value": value})
    else:
        changes.insert(connection, installation, {"name": name, "value": value})


def remember_removed(connection: Connection, tenant_id: str) -> str:
    """Remember that a tenant of this name was removed; return the digest that stands for the name."""
    if not fact(connection, _SECRET):
        set_fact(connection, _SECRET, secrets.token_hex(32))
    digest = _digest(fact(connection, _SECRET), tenant_id)
    key = {"name_digest": digest}
    found = connection.execute(select(removed.c.deleted_at).where(removed.c.name_digest == digest)).one_or_none()
    if found is None:
        changes.insert(connection, removed, key)
    elif found.deleted_at is not None:
        changes.restore(connection, removed, key)
    return digest


def forget_removed(connection: Connection, tenant_id: str) -> None:
    """Let a name be used again, for a tenant that a person takes on board anew."""
    if tenant_id in RemovedNames(connection):
        key = {"name_digest": _digest(fact(connection, _SECRET), tenant_id)}
        changes.soft_delete(connection, removed, key)


class RemovedNames:
    """The names of removed tenants, of which only digests are known."""

    def __init__(self, connection: Connection) -> None:
        """Read secret and digests."""
        self._secret, self._digests = fact(connection, _SECRET), _digests(connection)

    def __contains__(self, name: str) -> bool:
        """Say whether a tenant of this name was removed."""
        return bool(self._digests) and _digest(self._secret, name) in self._digests


def _digests(connection: Connection) -> set[str]:
    """Return the digests of all removed names."""
    return set(connection.execute(select(removed.c.name_digest).where(removed.c.deleted_at.is_(None))).scalars())


def _digest(secret: str, name: str) -> str:
    return hmac.new(secret.encode(), name.encode(), sha256).hexdigest()
