"""Checks keys: in memory, in a few microseconds, and never by what was true a second ago.

All working keys are held in memory. Before a check that comes half a second or more
after the last look, one small query asks whether anything changed; only then are the
keys read again. So a revocation holds in every process within a second, and no check
writes. When the database cannot be asked, no key is accepted.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from sqlalchemy import Connection, bindparam, func, or_, select, update

from orchestration.control.database import Control
from orchestration.control.key_form import LONGEST, PREFIX, digest_of, id_of
from orchestration.control.tables import api_key, principal
from orchestration.failures import StrataError

LOOK_EVERY = 0.5
"""Seconds between two looks at what changed; half of what a revocation may take."""
READ_EVERY = 10.0
"""Seconds after which all is read again whatever the signs: clocks of two machines may hide a change from them."""
NOTE_EVERY = 60.0
"""Seconds between two writes of when keys were last used."""


class KeyRefused(StrataError):
    """The key is unknown, wrong, expired or revoked; which of these is nobody's business."""


@dataclass(frozen=True)
class Holder:
    """Whose key it was, and what it allows: its scopes, as far as its principal still has them."""

    tenant_id: str
    principal_id: str
    key_id: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    digest: bytes
    expires_at: float
    holder: Holder


class KeyRing:
    """The working keys of a control plane; one object serves all threads of a process."""

    def __init__(self, control: Control, pepper: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember where the keys are; the first check reads them."""
        self._control, self._pepper, self._clock = control, pepper, clock
        self._entries: Mapping[str, _Entry] = {}
        self._sign: tuple[Any, ...] | None = None
        self._looked_at = self._read_at = -READ_EVERY
        self._noted_at = clock()
        self._used: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()
        # An unknown id is compared with this, so that it takes as long as a wrong secret.
        self._nobody = _Entry(secrets.token_bytes(32), float("inf"), Holder("", "", "", frozenset()))

    def check(self, key: str) -> Holder:
        """Return whose key it is.

        Raises:
            KeyRefused: the key is not accepted.
            StrataError: the control plane cannot be asked.
        """
        if self._clock() - self._looked_at >= LOOK_EVERY:
            self._look()
        if len(key) > LONGEST:
            _refuse()
        entry = self._entries.get(id_of(key) if key.startswith(PREFIX) else "", self._nobody)
        matches = hmac.compare_digest(digest_of(self._pepper, key), entry.digest)
        in_time = time.time() < entry.expires_at
        if not (matches & in_time):
            _refuse()
        self._used[entry.holder.key_id] = (entry.holder.tenant_id, datetime.now(UTC))
        return entry.holder

    def note_use(self) -> None:
        """Write down when keys were last used; called by itself once a minute, and by who ends."""
        used, self._used = self._used, {}
        if not used:
            return
        rows = [{"tenant": tenant, "key": key_id, "at": at} for key_id, (tenant, at) in sorted(used.items())]
        with self._control.transaction("key ring") as connection:
            connection.execute(_USED, rows)

    def _look(self) -> None:
        """Ask whether anything changed since the last look; one thread asks, the others wait for its answer."""
        with self._lock:
            now = self._clock()
            if now - self._looked_at < LOOK_EVERY:
                return
            with self._control.reading() as connection:
                sign = tuple(connection.execute(_SIGN).one())
                if sign != self._sign or now - self._read_at >= READ_EVERY:
                    self._entries, self._sign, self._read_at = _read(connection), sign, now
            self._looked_at = now
        if self._used and now - self._noted_at >= NOTE_EVERY:
            self._noted_at = now
            # Apart, because a write may have to wait for another's, and a check must not.
            threading.Thread(target=self._note_quietly, daemon=True).start()

    def _note_quietly(self) -> None:
        """Nobody's reading fails because it could not be written down."""
        with suppress(StrataError):
            self.note_use()


def _refuse() -> NoReturn:
    raise KeyRefused("The key is not accepted.", "It may be mistyped, expired or revoked: ask for a new one.")


# An update of `last_used_at` is no change that a person made: it goes past the audit trail and leaves the stamps alone.
_USED = (
    update(api_key)
    .where(api_key.c.tenant_id == bindparam("tenant"), api_key.c.key_id == bindparam("key"))
    .where(or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < bindparam("at")))
    .values(last_used_at=bindparam("at"))
)


def _count(column: Any) -> Any:  # noqa: ANN401 - a column, a subquery
    return select(func.count(column)).select_from(column.table).scalar_subquery()


def _newest(column: Any) -> Any:  # noqa: ANN401 - as above
    return select(func.max(column)).scalar_subquery()


# Counts tell what times may not: of two changes at once, the later stamp may be committed first.
_SIGN = select(
    _count(api_key.c.key_id),
    _count(api_key.c.revoked_at),
    _count(api_key.c.deleted_at),
    _count(api_key.c.replaced_by),
    _newest(api_key.c.updated_at),
    _count(principal.c.principal_id),
    _count(principal.c.deleted_at),
    _newest(principal.c.updated_at),
)

_WORKING = (
    select(
        api_key.c.tenant_id,
        api_key.c.principal_id,
        api_key.c.key_id,
        api_key.c.digest,
        api_key.c.scopes,
        api_key.c.expires_at,
        principal.c.permissions,
    )
    .join_from(api_key, principal)
    .where(api_key.c.revoked_at.is_(None), api_key.c.deleted_at.is_(None), principal.c.deleted_at.is_(None))
    .where(or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > bindparam("now")))
)


def _read(connection: Connection) -> dict[str, _Entry]:
    return {row.key_id: _entry(row) for row in connection.execute(_WORKING, {"now": datetime.now(UTC)})}


def _entry(row: Any) -> _Entry:  # noqa: ANN401 - a row of SQLAlchemy
    ends = row.expires_at.timestamp() if row.expires_at else float("inf")
    allowed = frozenset(row.scopes) & frozenset(row.permissions)
    return _Entry(bytes.fromhex(row.digest), ends, Holder(row.tenant_id, row.principal_id, row.key_id, allowed))
