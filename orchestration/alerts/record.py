"""Writes alerts: one open row for each class and subject, however often it happens.

``sent_at`` is empty while the row's present state still has to be told: after
it opened, and again after it recovered. A repeat only counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from orchestration.alerts.redaction import redact
from orchestration.failures import POLICIES, FailureClass, Owner
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

PLATFORM_OWNER = "platform"


def raise_alert(
    session: Session, failure_class: FailureClass, subject: str, message: str, owner: str, *, tenant: str | None = None
) -> str:
    """Open an alert, or count a repeat of the open one; returns its id.

    ``subject`` says what is at fault and is the same for every repeat (``load product/invoice of acme/main``);
    ``owner`` owns that source or table. The class decides whether the owner hears of it or the platform's people.
    ``tenant`` is who it is about, and who may see it beside the platform's people; ``None`` when it is about no one
    tenant alone. Secrets and personal data in the texts are masked.
    """
    table, now = platform_table("alert"), stored(utc_now())
    subject, message = redact(subject), redact(message)
    with session.transaction():
        known = session.execute(
            f"SELECT alert_id FROM {table} WHERE state = 'open' AND class = ? AND subject = ?",
            [failure_class.value, subject],
        )
        if known:
            alert_id = str(known[0][0])
            session.execute(
                f"UPDATE {table} SET count = count + 1, last_at = ?, message = ? WHERE alert_id = ?",
                [now, message, alert_id],
            )
            return alert_id
        alert_id = uuid4().hex
        session.execute(
            f"INSERT INTO {table} (alert_id, tenant_id, class, owner, subject, message, state, first_at, last_at, "
            "count) VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?, 1)",
            [alert_id, tenant, failure_class.value, told_owner(failure_class, owner), subject, message, now, now],
        )
        return alert_id


def told_owner(failure_class: FailureClass, owner: str) -> str:
    """Return who hears of a failure: the owner of what failed, or the platform's people."""
    return owner if POLICIES[failure_class].alert is Owner.SOURCE and owner else PLATFORM_OWNER


def recover(session: Session, subject: str) -> int:
    """Close every open alert about a subject, whatever its class; returns how many there were.

    Recovery is told once, to whoever heard of the failure; one that nobody has heard of yet is told as recovered.
    """
    table = platform_table("alert")
    with session.transaction():
        (count,) = session.execute(
            f"SELECT count(*) FROM {table} WHERE state = 'open' AND subject = ?", [redact(subject)]
        )[0]
        if count:
            session.execute(
                f"UPDATE {table} SET state = 'recovered', last_at = ?, sent_at = NULL "
                "WHERE state = 'open' AND subject = ?",
                [stored(utc_now()), redact(subject)],
            )
    return int(count)


def recover_all(session: Session, subjects: Iterable[str]) -> int:
    """Close every open alert about any of many subjects; returns how many there were."""
    rows = session.execute(f"SELECT DISTINCT subject FROM {platform_table('alert')} WHERE state = 'open'")
    known = {subject for (subject,) in rows}
    return sum(recover(session, subject) for subject in subjects if redact(subject) in known) if known else 0
