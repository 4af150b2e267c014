"""Failures become alerts once, repeats are counted, and recovery closes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestration.alerts import raise_alert, recover
from orchestration.alerts.redaction import redact
from orchestration.failures import FailureClass
from orchestration.runtime import Runtime

Open = Callable[..., Runtime]


def alerts(runtime: Runtime) -> list[tuple[object, ...]]:
    with runtime.warehouse.session("look") as session:
        return session.execute(
            "SELECT class, owner, subject, message, state, count FROM strata.alert ORDER BY first_at"
        )


def test_a_repeat_is_counted_in_the_open_alert(runtime_with: Open) -> None:
    runtime = runtime_with()
    with runtime.warehouse.session("fail") as session:
        ids = {
            raise_alert(session, FailureClass.SCHEMA_DRIFT, "load product/invoice of acme/main", text, "product-data")
            for text in ("column gone", "column still gone")
        }
    assert len(ids) == 1
    assert alerts(runtime) == [
        ("schema_drift", "product-data", "load product/invoice of acme/main", "column still gone", "open", 2)
    ]


@pytest.mark.parametrize(
    ("failure_class", "told"), [(FailureClass.QUALITY, "finance"), (FailureClass.CONNECTION, "platform")]
)
def test_the_class_decides_who_hears_of_it(runtime_with: Open, failure_class: FailureClass, told: str) -> None:
    runtime = runtime_with()
    with runtime.warehouse.session("fail") as session:
        raise_alert(session, failure_class, "gate gold", "x", "finance")
    assert alerts(runtime)[0][1] == told


def test_recovery_closes_the_subject_and_the_next_failure_opens_a_new_alert(runtime_with: Open) -> None:
    runtime = runtime_with()
    with runtime.warehouse.session("fail") as session:
        raise_alert(session, FailureClass.CONNECTION, "load a", "x", "o")
        raise_alert(session, FailureClass.CONNECTION, "load b", "x", "o")
        assert recover(session, "load a") == 1
        assert recover(session, "load a") == 0
        raise_alert(session, FailureClass.CONNECTION, "load a", "again", "o")
    assert [(row[2], row[4]) for row in alerts(runtime)] == [
        ("load a", "recovered"),
        ("load b", "open"),
        ("load a", "open"),
    ]


def test_an_alert_that_is_rolled_back_was_never_raised(runtime_with: Open) -> None:
    runtime = runtime_with()
    with runtime.warehouse.session("fail") as session:
        try:
            with session.transaction():
                raise_alert(session, FailureClass.CONNECTION, "load a", "x", "o")
                raise RuntimeError  # noqa: TRY301 - the transaction has to see it
        except RuntimeError:
            pass
    assert alerts(runtime) == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://strata:s3cret@db.example.com/x failed", "postgresql://***@db.example.com/x failed"),
        ("password=s3cret host=db", "password=*** host=db"),
        ('{"client_secret": "s3cret", "x": 1}', '{"client_secret": "***", "x": 1}'),
        ("Authorization: Bearer 00Dxx!AQ.s3cret", "Authorization: Bearer ***"),
        ("jwt eyJhbGciOi.eyJzdWIi.s3cret", "jwt ***"),
        ("row of ada.lovelace+x@example.co.uk refused", "row of *** refused"),
        ("product.invoice row 7: amount is no decimal(18,2)", "product.invoice row 7: amount is no decimal(18,2)"),
    ],
)
def test_secrets_and_addresses_are_masked(text: str, masked: str) -> None:
    assert redact(text) == masked
