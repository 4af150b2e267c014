"""Rows of erased persons: known by a digest of their key alone, and kept out of every later load.

``strata.erasure`` holds an HMAC-SHA256 of each erased key under the tenant's salt, which
stands in the control plane: the table tells nobody whose rows they were. A load that brings
such a row again loses it before the gate: its landed files are rewritten without it.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from orchestration.contracts.model import Column, Contract
from orchestration.control import tables
from orchestration.failures import StrataError
from orchestration.landing.forgetting import IsForgotten, Row, forget
from orchestration.landing.manifest import Manifest, Place
from orchestration.runtime import Runtime
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

ERASURE = platform_table("erasure")
Key = tuple[str, ...]
"""A key's values as text, in the contract's order."""


def withhold(session: Session, runtime: Runtime, contract: Contract, manifest: Manifest) -> Manifest:
    """Rewrite a landed load without erased rows; return its manifest, the same one when it has none."""
    digests = digests_of(session, manifest.place) if manifest.parts else set()
    if not digests:
        return manifest
    salt = salt_of(runtime, manifest.tenant)
    return forget(runtime.landing, manifest, contract.key, by_digest(contract, salt, digests))


def digests_of(session: Session, place: Place) -> set[str]:
    """Return the digests of the keys that are erased at a place."""
    sql = (
        f"SELECT key_digest FROM {ERASURE} WHERE tenant_id = ? AND source = ? AND entity = ? "
        "AND coalesce(connection, ?) = ?"
    )
    place_of = [place.tenant, place.source, place.entity, place.connection, place.connection]
    return {str(digest) for (digest,) in session.execute(sql, place_of)}


def salt_of(runtime: Runtime, tenant: str) -> str:
    """Return a tenant's salt.

    Raises:
        StrataError: it has none, so that no digest can be compared.
    """
    with runtime.control.reading() as connection:
        query = select(tables.salt.c.salt).where(tables.salt.c.tenant_id == tenant)
        salt = connection.execute(query).scalar()
    if not salt:
        message = f"Tenant {tenant!r} has no salt in the control plane, so erased rows cannot be told."
        raise StrataError(message, "Restore control plane and warehouse from one backup.")
    return str(salt)


def by_digest(contract: Contract, salt: str, digests: Collection[str]) -> IsForgotten:
    """Return the question whether a row's key is one of the erased."""

    def is_erased(row: Row) -> bool:
        key = key_of(contract, row)
        return key is not None and key_digest(contract, salt, key) in digests

    return is_erased


def key_of(contract: Contract, row: Row) -> Key | None:
    """Return a row's key as text, whatever form it came in; ``None`` when a part of it is missing."""
    texts = [as_text(column, row.get(column.name)) for column in contract.key_columns]
    return None if any(text is None for text in texts) else tuple(str(text) for text in texts)


def key_digest(contract: Contract, salt: str, key: Sequence[str]) -> str:
    """Return the digest under which an erased key is remembered."""
    message = "\x1f".join((contract.source, contract.entity, *key))
    return hmac.new(bytes.fromhex(salt), message.encode(), sha256).hexdigest()


def as_text(column: Column, value: Any) -> str | None:  # noqa: ANN401 - a value of any source
    """Write a key's value so that the same value from any kind of source gives the same text."""
    if value is None:
        return None
    text = str(value).strip()
    if column.type.kind in ("smallint", "integer", "bigint", "decimal"):
        try:
            return format(Decimal(text).normalize(), "f")
        except InvalidOperation:
            return text
    return text.lower() if column.type.kind in ("uuid", "boolean") else text
