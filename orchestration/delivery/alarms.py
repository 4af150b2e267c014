"""Tells people, by the alerts of the platform, whose deliveries no longer arrive: not by the way that fails.

An alert is open for each registration that was disabled or has dead letters, and recovers when it has neither.
What was told is compared with what is: nothing is lost when a worker dies in between, nothing told twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, func, select

from orchestration.alerts import raise_alert, recover_all
from orchestration.control.delivery_tables import delivery, registration
from orchestration.delivery.outbox import cursor
from orchestration.failures import FailureClass
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

_STREAM = "alarms"
_SUBJECT = "deliveries of "


@dataclass(frozen=True)
class Trouble:
    """Why a registration's consumer gets nothing more, or not everything."""

    tenant: str
    registration: str
    consumer: str
    fault: str
    remedy: str
    dead: int = 0
    is_disabled: bool = False

    @property
    def text(self) -> str:
        """What is wrong and what to do; the same however many are dead."""
        return f"{self.fault} {self.remedy}"

    @property
    def subject(self) -> str:
        """What the alert is about; the same as long as it lasts."""
        return f"{_SUBJECT}{self.tenant}/{self.registration}"


def tell(runtime: Runtime) -> int:
    """Open and recover alerts, and return how many were opened; the warehouse is opened only if something changed.

    Raises:
        Busy: the warehouse is held by somebody for long; the next call makes up for it.
    """
    with runtime.control.reading() as connection:
        troubles = {item.subject: item for item in troubled_registrations(connection)}
        told = cursor.positions(connection).get(_STREAM, 0)
    mark = _mark(troubles)
    if mark == told:
        return 0
    with runtime.warehouse.session("alerts about deliveries") as session:
        apply.ensure(session)
        opened = _open(session, troubles)
    with runtime.control.transaction("delivery") as connection:
        cursor.move(connection, {_STREAM: mark})
    return opened


def troubled_registrations(connection: Connection) -> Iterable[Trouble]:
    """Yield what is wrong with each registration that is disabled or has dead letters."""
    dead = (
        select(delivery.c.tenant_id, delivery.c.registration_id, func.count().label("dead"))
        .where(delivery.c.state == "dead")
        .group_by(delivery.c.tenant_id, delivery.c.registration_id)
        .subquery()
    )
    same = (dead.c.tenant_id == registration.c.tenant_id) & (dead.c.registration_id == registration.c.registration_id)
    everybody = (
        select(registration, dead.c.dead).join(dead, same, isouter=True).where(registration.c.deleted_at.is_(None))
    )
    for row in connection.execute(everybody).mappings():
        is_disabled = row["state"] == "disabled"
        if is_disabled:
            texts = f"Disabled: {row['reason']}", "When it is mended: strata registration resume"
        elif row["dead"]:
            texts = "Deliveries failed for good.", "See: strata dead-letters list"
        else:
            continue
        place = row["tenant_id"], row["registration_id"], row["consumer_id"]
        yield Trouble(*place, *texts, row["dead"] or 0, is_disabled)


def _open(session: Session, troubles: Mapping[str, Trouble]) -> int:
    """Open what is not open yet, and recover what is and should not be."""
    rows = session.execute(f"SELECT subject FROM {platform_table('alert')} WHERE state = 'open'")
    known = {str(subject) for (subject,) in rows if str(subject).startswith(_SUBJECT)}
    fresh = [item for subject, item in troubles.items() if subject not in known]
    for item in fresh:
        raise_alert(
            session, FailureClass.CONNECTION, item.subject, item.text, f"consumer {item.consumer}", tenant=item.tenant
        )
    recover_all(session, known - set(troubles))
    return len(fresh)


def _mark(troubles: Mapping[str, Trouble]) -> int:
    """Return a number that differs when other registrations are in trouble; 0 when none is."""
    text = "\n".join(f"{subject} {troubles[subject].text}" for subject in sorted(troubles))
    return int.from_bytes(sha256(text.encode()).digest()[:7], "big") if troubles else 0
