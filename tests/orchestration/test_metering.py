"""Prometheus reads what is true now, at every scrape anew; a taken port is told."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from orchestration import metering
from orchestration.control import changes, open_control, tables
from orchestration.control.delivery_tables import delivery
from orchestration.delivery import consumers, registry
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError
from orchestration.gauges import NAMES, read_gauges
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    metering._meters.clear()
    metering._counters.clear()
    metering._histograms.clear()


def scrape(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def test_what_is_counted_and_what_is_true_now_are_both_scraped(tmp_path: Path) -> None:
    waiting = [3.0]
    port = metering.serve(
        load_settings(home=tmp_path), "127.0.0.1", 0, ["strata_deliveries"],
        lambda: [("strata_deliveries", {"state": "ready"}, waiting[0])],
    )  # fmt: skip
    metering.count("strata_attempts", channel="webhook", outcome="delivered")
    metering.count("strata_attempts", 2, channel="webhook", outcome="delivered")
    metering.observe("strata_attempt_seconds", 0.2, channel="webhook")
    text = scrape(port)
    assert re.search(r'strata_deliveries\{.*state="ready".*\} 3.0', text)
    assert re.search(r'strata_attempts_total\{channel="webhook",.*outcome="delivered".*\} 3.0', text)
    assert "strata_attempt_seconds_bucket" in text


def test_counting_costs_nothing_where_nobody_reads() -> None:
    metering.count("strata_attempts")
    metering.observe("strata_attempt_seconds", 0.1)
    assert metering._counters == {}


def test_a_taken_port_is_told_with_its_number(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match=str(taken.getsockname()[1])):
            metering.serve(load_settings(home=tmp_path), "127.0.0.1", taken.getsockname()[1], [], list)


def test_the_gauges_know_the_queue_and_name_no_tenant(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with open_control(settings).transaction("ops@host") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "initech", "title": "I", "state": "active"})
        consumers.add(connection, "initech", "bi", "", "bi@example.com")
        registry.add(connection, WISH)
        times = dict.fromkeys(("rank", "due_at", "created_at", "first_event_at", "last_event_at"), 1)
        chain = {"tenant_id": "initech", "delivery_id": "d1", "registration_id": "r1", "endpoint_id": "e1"}
        connection.execute(delivery.insert().values(**chain, **times, subject="s", state="ready", events=1))
    found = list(read_gauges(open_runtime(settings)))
    assert {name for name, _, _ in found} <= set(NAMES)
    assert ("strata_deliveries", {"state": "ready"}, 1) in found
    assert ("strata_registrations", {"state": "active"}, 1) in found
    assert "initech" not in str(found)


WISH = Registration(
    tenant="initech",
    registration_id="r1",
    consumer="bi",
    title="Usage",
    events=("load.failed",),
    tables=(),
    columns=(),
    where=(),
    payload="reference",
    format="json",
    channel="webhook",
    settings={"url": {"value": "https://example.com/hook"}},
    endpoint="e1",
    terms=Terms(),
)
