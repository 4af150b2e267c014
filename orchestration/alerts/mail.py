"""The mail sink: one message for each alert, through one SMTP server.

``smtp://`` turns to TLS when the server offers it, ``smtps://`` begins with it.
A password is never sent in clear, except to this machine.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from orchestration.alerts.message import Message, SinkFailed, SinkMisconfigured
from orchestration.warehouse.clock import utc_now

_TIMEOUT_SECONDS = 10.0
_NAME = "STRATA_ALERT_SMTP_URL"
_LOCAL = ("localhost", "127.0.0.1", "::1")


def mail(url: str, recipients: str, message: Message) -> None:
    """Send one alert to the recipients (addresses with commas between them).

    Raises:
        SinkMisconfigured: there are no recipients, or the password would go in clear.
        SinkFailed: the server did not take the message within ten seconds.
    """
    parts = urlsplit(url)
    to = [address.strip() for address in recipients.split(",") if address.strip()]
    if not to:
        raise SinkMisconfigured("STRATA_ALERT_MAIL_TO is empty.", "Example: STRATA_ALERT_MAIL_TO=data@example.com")
    try:
        with _server(parts) as server:
            server.send_message(_compose(parts, to, message))
    except (OSError, smtplib.SMTPException) as error:
        # The server's words may quote addresses: only the kind of error is told.
        raise SinkFailed(f"{_NAME}: {type(error).__name__} while sending.", "Check the server and its log.") from None


@contextmanager
def _server(parts: SplitResult) -> Iterator[smtplib.SMTP]:
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_SECONDS)
    with server:
        server.ehlo()
        is_encrypted = parts.scheme == "smtps"
        if not is_encrypted and server.has_extn("starttls"):
            server.starttls(context=context)
            is_encrypted = True
        if parts.username:
            if not is_encrypted and host not in _LOCAL:
                raise SinkMisconfigured(
                    f"{_NAME}: {host} offers no TLS for the password.", "Use smtps://, or no password."
                )
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server


def _compose(parts: SplitResult, to: list[str], message: Message) -> EmailMessage:
    named = parse_qs(parts.query).get("from")
    user = unquote(parts.username or "")
    mail = EmailMessage()
    mail["From"] = named[0] if named else user if "@" in user else f"strata@{parts.hostname}"
    mail["To"] = ", ".join(to)
    mail["Subject"] = f"[strata] {message.title}"
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = make_msgid(message.delivery_key, domain="strata")
    mail.set_content(message.body)
    return mail
