"""Sends what has not been told yet: reads in one short session, sends without one, notes success in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestration.alerts.mail import mail
from orchestration.alerts.message import Message
from orchestration.alerts.record import told_owner
from orchestration.alerts.redaction import redact
from orchestration.alerts.webhook import post
from orchestration.failures import FailureClass, StrataError
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.platform import platform_table

if TYPE_CHECKING:
    from orchestration.runtime import Runtime
    from orchestration.settings import Settings

Sink = Callable[[Message], None]
_STALE_RECOVERY = timedelta(days=1)
"""A sink that is configured later hears of what is open, not of everything that ever recovered."""


@dataclass(frozen=True)
class Outcome:
    """How many alerts were told, how many still wait, and why sending stopped (empty: it did not)."""

    sent: int
    waiting: int
    fault: str = ""


def send_pending(runtime: Runtime) -> Outcome:
    """Tell every alert's present state that was not told yet; a sink that fails is tried again next time.

    Never raises for a sink: an alert must not fail the work that it tells of. Without a sink nothing is sent.
    """
    sink = configured_sink(runtime.settings)
    if sink is None:
        return Outcome(0, 0)
    pending = _pending(runtime)
    told: list[Message] = []
    fault = ""
    for message in pending:
        try:
            sink(message)
        except StrataError as error:
            fault = str(error)
            break  # the next would only wait for the same time-out
        told.append(message)
    _note(runtime, told)
    return Outcome(len(told), len(pending) - len(told), fault)


def send_unrecorded(settings: Settings, alerts: Iterable[tuple[FailureClass, str, str, str]]) -> str:
    """Tell alerts that no row could be written of: class, subject, message and owner, as they go into a row.

    Returns why sending stopped; empty where it did not.
    """
    sink, now = configured_sink(settings), stored(utc_now())
    if sink is None:
        return ""
    try:
        for failure_class, subject, message, owner in alerts:
            told = (failure_class.value, told_owner(failure_class, owner), redact(subject), redact(message))
            sink(Message(uuid4().hex, *told, "open", now, now, 1))
    except StrataError as error:
        return str(error)
    return ""


def configured_sink(settings: Settings) -> Sink | None:
    """Return the one sink that the settings name: the webhook, else mail, else none."""
    if settings.alert_webhook_url:
        url = settings.alert_webhook_url.get_secret_value()
        return lambda message: post(url, message)
    if settings.alert_smtp_url:
        server = settings.alert_smtp_url.get_secret_value()
        return lambda message: mail(server, settings.alert_mail_to, message)
    return None


def _pending(runtime: Runtime) -> list[Message]:
    with runtime.warehouse.session("read alerts") as session:
        rows = session.execute(
            "SELECT alert_id, class, owner, subject, message, state, first_at, last_at, count "
            f"FROM {platform_table('alert')} WHERE sent_at IS NULL AND (state = 'open' OR last_at >= ?) "
            "ORDER BY last_at, alert_id",
            [stored(utc_now() - _STALE_RECOVERY)],
        )
    return [Message(*row) for row in rows]


def _note(runtime: Runtime, told: list[Message]) -> None:
    """Mark what was told, unless its state has changed meanwhile: then that is told next time."""
    if not told:
        return
    with runtime.warehouse.session("note sent alerts") as session, session.transaction():
        for message in told:
            session.execute(
                f"UPDATE {platform_table('alert')} SET sent_at = ? WHERE alert_id = ? AND state = ?",
                [stored(utc_now()), message.alert_id, message.state],
            )
