"""Alerts go out by the configured sink, once for each state, and wait when it is down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestration.alerts import Outcome, raise_alert, recover, send_pending
from orchestration.failures import FailureClass
from orchestration.runtime import Runtime

from .conftest import MailServer, WebhookServer

Open = Callable[..., Runtime]
SUBJECT = "load product/invoice of acme/main"


def fail(runtime: Runtime, subject: str = SUBJECT) -> None:
    with runtime.warehouse.session("fail") as session:
        raise_alert(session, FailureClass.SCHEMA_DRIFT, subject, "Column amount is gone.", "product-data")


def mend(runtime: Runtime) -> None:
    with runtime.warehouse.session("mend") as session:
        recover(session, SUBJECT)


def test_failure_and_recovery_are_told_once_each(runtime_with: Open, webhook: WebhookServer) -> None:
    runtime = runtime_with(alert_webhook_url=webhook.url)
    for _ in range(3):
        fail(runtime)
        send_pending(runtime)
    mend(runtime)
    assert send_pending(runtime) == Outcome(1, 0)
    assert send_pending(runtime) == Outcome(0, 0)
    assert [(body["state"], body["count"]) for body in webhook.bodies] == [("open", 1), ("recovered", 3)]
    assert webhook.bodies[0]["owner"] == "product-data"
    assert webhook.bodies[0]["text"].startswith(f"Failed: {SUBJECT}\nColumn amount is gone.")
    assert len(set(webhook.keys)) == 2


@pytest.mark.parametrize("status", [500, 404, 302, 0])
def test_an_alert_waits_until_the_sink_takes_it(runtime_with: Open, webhook: WebhookServer, status: int) -> None:
    runtime = runtime_with(alert_webhook_url=webhook.url)
    fail(runtime, "a")
    fail(runtime, "b")
    webhook.status = status
    outcome = send_pending(runtime)
    assert (outcome.sent, outcome.waiting) == (0, 2)
    assert outcome.fault
    assert "hook-secret" not in outcome.fault
    webhook.status = 204
    assert send_pending(runtime) == Outcome(2, 0)
    assert [body["subject"] for body in webhook.bodies] == ["a", "b"]


def test_an_address_that_nobody_listens_on_is_a_fault_and_no_exception(runtime_with: Open) -> None:
    runtime = runtime_with(alert_webhook_url="http://127.0.0.1:1/hook-secret")
    fail(runtime)
    outcome = send_pending(runtime)
    assert (outcome.sent, outcome.waiting) == (0, 1)
    assert "STRATA_ALERT_WEBHOOK_URL" in outcome.fault
    assert "hook-secret" not in outcome.fault


def test_without_a_sink_alerts_are_kept_and_nothing_is_sent(runtime_with: Open) -> None:
    runtime = runtime_with()
    fail(runtime)
    assert send_pending(runtime) == Outcome(0, 0)


def test_mail_goes_to_every_recipient_with_its_state(runtime_with: Open, mail_server: MailServer) -> None:
    url = f"smtp://strata%40example.com:p%20w@127.0.0.1:{mail_server.port}"
    runtime = runtime_with(alert_smtp_url=url, alert_mail_to="a@example.com, b@example.com")
    fail(runtime)
    assert send_pending(runtime) == Outcome(1, 0)
    mend(runtime)
    send_pending(runtime)
    first, second = mail_server.mails
    assert first["Subject"] == f"[strata] Failed: {SUBJECT}"
    assert first["To"] == "a@example.com, b@example.com"
    assert first["From"] == "strata@example.com"
    assert first.get_content().startswith("Column amount is gone.")
    assert second["Subject"] == f"[strata] Recovered: {SUBJECT}"
    assert mail_server.logins


def test_a_subject_with_line_ends_cannot_add_headers(runtime_with: Open, mail_server: MailServer) -> None:
    runtime = runtime_with(alert_smtp_url=f"smtp://127.0.0.1:{mail_server.port}", alert_mail_to="a@example.com")
    fail(runtime, "load x\r\nBcc: victim")
    assert send_pending(runtime) == Outcome(1, 0)
    assert mail_server.mails[0]["Bcc"] is None


def test_a_refused_mail_is_tried_again(runtime_with: Open, mail_server: MailServer) -> None:
    mail_server.refuses = True
    url = f"smtp://127.0.0.1:{mail_server.port}"
    runtime = runtime_with(alert_smtp_url=url, alert_mail_to="a@example.com")
    fail(runtime)
    outcome = send_pending(runtime)
    assert (outcome.sent, outcome.waiting) == (0, 1)
    assert "a@example.com" not in outcome.fault
    mail_server.refuses = False
    assert send_pending(runtime) == Outcome(1, 0)
