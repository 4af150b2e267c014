"""API keys as people handle them: issue one, list them, replace one, revoke one.

A key is shown once; what is kept is its digest. A principal has two live keys at most:
the one in use and the one that takes its place.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, RowMapping, select

from orchestration.control import changes
from orchestration.control.database import Control, alone
from orchestration.control.key_form import PREFIX, digest_of, id_of, new_key
from orchestration.control.tables import PLATFORM, api_key, principal, tenant
from orchestration.failures import SettingsError

LIVE_AT_MOST = 2
OVERLAP = timedelta(days=1)
"""How long a replaced key works on, so that whoever uses it can change over."""


@dataclass(frozen=True)
class Key:
    """A key without its secret; times are UTC."""

    tenant_id: str
    key_id: str
    principal_id: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None

    def state(self, now: datetime) -> str:
        """Say in a word whether the key works: live, replaced (live still), expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "replaced" if self.replaced_by else "live"

    def works(self, now: datetime) -> bool:
        """Say whether the key is accepted."""
        return self.state(now) in {"live", "replaced"}


@dataclass(frozen=True)
class Issued:
    """A new key; ``secret`` is the whole of it, and this is the only time that anybody has it."""

    key: Key
    secret: SecretStr


@dataclass(frozen=True)
class Keys:
    """The keys of a control plane, with the pepper that their digests need."""

    control: Control
    pepper: bytes
    actor: str

    def __repr__(self) -> str:
        """Leave the pepper out."""
        return f"Keys({self.control!r})"

    def issue(
        self,
        tenant: str,
        principal_id: str,
        scopes: Collection[str],
        *,
        lifetime: timedelta | None = None,
        kind: str = "service",
        grant: bool = False,
    ) -> Issued:
        """Make a key for a principal, who comes into being with these permissions when there is none of that name.

        With ``grant``, a known principal gets the permissions that it lacks.

        Raises:
            SettingsError: the tenant is unknown, the principal lacks a permission, or has two live keys.
        """
        with self.control.transaction(self.actor) as connection:
            alone(connection, f"keys {tenant}")
            _require_principal(connection, (tenant, principal_id), scopes, kind=kind, grant=grant)
            return self._insert(connection, (tenant, principal_id), scopes, lifetime)

    def listed(self, tenant: str | None = None, principal_id: str | None = None) -> list[Key]:
        """Return keys, oldest first, revoked and expired ones too.

        Raises:
            SettingsError: the tenant is unknown.
        """
        wanted = _SELECT
        if tenant is not None:
            wanted = wanted.where(api_key.c.tenant_id == tenant)
        if principal_id is not None:
            wanted = wanted.where(api_key.c.principal_id == principal_id)
        with self.control.reading() as connection:
            if tenant is not None:
                _require_tenant(connection, tenant)
            return [_key(row) for row in connection.execute(wanted).mappings()]

    def rotate(self, key_id: str, *, tenant: str | None = None, overlap: timedelta = OVERLAP) -> Issued:
        """Make a key that takes another's place, with its scopes and length of life; the old one ends with the overlap.

        Raises:
            SettingsError: the key is unknown (or not ``tenant``'s), does not work any more, was replaced already,
                or its principal has two live keys.
        """
        with self.control.transaction(self.actor) as connection:
            old = _find(connection, key_id, tenant)
            alone(connection, f"keys {old.tenant_id}")
            now = datetime.now(UTC)
            if old.state(now) != "live":
                message = f"Key {PREFIX}{old.key_id} is {old.state(now)}."
                raise SettingsError(message, "Only a live key can be rotated: strata key create makes another.")
            lifetime = old.expires_at - old.created_at if old.expires_at else None
            issued = self._insert(connection, (old.tenant_id, old.principal_id), old.scopes, lifetime)
            ends = min(filter(None, (old.expires_at, now + overlap)))
            changes.update(connection, api_key, _place(old), {"expires_at": ends, "replaced_by": issued.key.key_id})
            return issued

    def revoke(self, key_id: str, *, tenant: str | None = None) -> Key:
        """End a key at once; one that is revoked stays as it is.

        Raises:
            SettingsError: the key is unknown, or not ``tenant``'s.
        """
        with self.control.transaction(self.actor) as connection:
            key = _find(connection, key_id, tenant)
            if key.revoked_at is None:
                changes.update(connection, api_key, _place(key), {"revoked_at": datetime.now(UTC)})
            return _find(connection, key_id, tenant)

    def _insert(
        self, connection: Connection, owner: tuple[str, str], scopes: Collection[str], lifetime: timedelta | None
    ) -> Issued:
        now = datetime.now(UTC)
        _require_room(connection, owner, now)
        key_id, secret = new_key()
        row = {
            "tenant_id": owner[0],
            "key_id": key_id,
            "principal_id": owner[1],
            "prefix": f"{PREFIX}{key_id}",
            "digest": digest_of(self.pepper, secret).hex(),
            "scopes": sorted(scopes),
            "expires_at": now + lifetime if lifetime else None,
        }
        changes.insert(connection, api_key, row)
        return Issued(_find(connection, key_id, owner[0]), SecretStr(secret))


_SELECT = (
    select(*(api_key.c[name] for name in Key.__annotations__))
    .where(api_key.c.deleted_at.is_(None))
    .order_by(api_key.c.created_at, api_key.c.key_id)
)


def _key(row: RowMapping) -> Key:
    return Key(**{**row, "scopes": tuple(row["scopes"])})


def _place(key: Key) -> dict[str, Any]:
    return {"tenant_id": key.tenant_id, "key_id": key.key_id}


def _find(connection: Connection, text: str, tenant: str | None) -> Key:
    """Find a key by its id; another tenant's is as unknown as one that was never made."""
    rows = connection.execute(_SELECT.where(api_key.c.key_id == id_of(text))).mappings()
    found = [_key(row) for row in rows if tenant is None or row["tenant_id"] == tenant]
    if not found:
        raise SettingsError(f"There is no key {PREFIX}{id_of(text)}.", "See: strata key list.")
    return found[0]


def _require_room(connection: Connection, owner: tuple[str, str], now: datetime) -> None:
    mine = _SELECT.where(api_key.c.tenant_id == owner[0], api_key.c.principal_id == owner[1])
    live = [key for row in connection.execute(mine).mappings() if (key := _key(row)).works(now)]
    if len(live) >= LIVE_AT_MOST:
        listed = " and ".join(f"{PREFIX}{key.key_id}" for key in live)
        message = f"{owner[1]} of {owner[0]} has two live keys: {listed}."
        raise SettingsError(message, "Revoke the one that is not used: strata key revoke KEY.")


def _require_principal(
    connection: Connection, owner: tuple[str, str], scopes: Collection[str], *, kind: str, grant: bool
) -> None:
    key = {"tenant_id": owner[0], "principal_id": owner[1]}
    where = (principal.c.tenant_id == owner[0], principal.c.principal_id == owner[1])
    found = connection.execute(select(principal).where(*where)).mappings().one_or_none()
    if found is None:
        _require_tenant(connection, owner[0])
        row = {**key, "kind": kind, "title": owner[1], "permissions": sorted(scopes)}
        changes.insert(connection, principal, row)
        return
    if found["deleted_at"] is not None:
        raise SettingsError(f"Principal {owner[1]!r} of {owner[0]} is deleted.", "Choose another name.")
    if lacking := sorted(set(scopes) - set(found["permissions"])):
        if not grant:
            message = f"{owner[1]} of {owner[0]} lacks the permission {', '.join(lacking)}."
            raise SettingsError(message, "Leave it out, or give it for good with --grant.")
        permissions = sorted({*found["permissions"], *lacking})
        changes.update(connection, principal, key, {"permissions": permissions})


def _require_tenant(connection: Connection, tenant_id: str) -> None:
    if tenant_id != PLATFORM and not connection.execute(_TENANT.where(tenant.c.tenant_id == tenant_id)).first():
        raise SettingsError(f"Tenant {tenant_id!r} is unknown.", "See: strata tenant list.")


_TENANT = select(tenant.c.tenant_id).where(tenant.c.deleted_at.is_(None))
