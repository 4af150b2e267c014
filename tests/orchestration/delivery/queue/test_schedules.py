"""When deliveries are tried again, in which hours, after how many failures and at which rate: rules for all inputs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.delivery.queue import breaker, rate
from orchestration.delivery.queue.breaker import CLOSED, FIRST_PAUSE, LONGEST_PAUSE, MOST_FAILURES
from orchestration.delivery.queue.hours import next_open
from orchestration.delivery.queue.schedule import next_due
from orchestration.delivery.terms import RETRIES, Terms

NOW = 1_800_000_000_000
MOMENTS = st.integers(NOW, NOW + 400 * 24 * 3_600_000)
DAYS = st.sampled_from(["", "mon-fri", "sat-mon", "wed", "mon,thu,sun"])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
TIMES = st.integers(0, 24 * 60 - 1)


@st.composite
def windows(draw: st.DrawFn) -> Terms:
    begin, end = draw(TIMES), draw(TIMES)
    hours = "" if begin == end else f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    return Terms(hours=hours, days=draw(DAYS), timezone=draw(ZONES))


@given(st.integers(1, len(RETRIES)), st.floats(0, 1))
def test_a_pause_is_the_timetables_give_or_take_a_fifth(attempts: int, chance: float) -> None:
    due = next_due(Terms(), attempts, NOW, chance=chance)
    assert due is not None
    assert 0.8 * RETRIES[attempts - 1] * 1000 - 1 <= due - NOW <= 1.2 * RETRIES[attempts - 1] * 1000 + 1


@given(st.integers(1, len(RETRIES)), st.floats(0, 1), st.floats(0, 10**9))
def test_an_endpoint_neither_hurries_a_delivery_nor_puts_it_off_for_good(
    attempts: int, chance: float, asked: float
) -> None:
    due = next_due(Terms(), attempts, NOW, retry_after=asked, chance=chance)
    assert due is not None
    pause, took = RETRIES[attempts - 1], (due - NOW) / 1000
    assert pause <= took <= 2.4 * pause + 0.001
    assert took >= min(asked, 2 * pause) - 0.001


def test_after_the_last_attempt_there_is_no_other() -> None:
    assert next_due(Terms(), 8, NOW) is None
    assert next_due(Terms(retries=()), 1, NOW) is None


@given(windows(), MOMENTS)
def test_what_waits_for_its_hours_gets_them(terms: Terms, at: int) -> None:
    opens = next_open(terms, at)
    assert opens >= at
    assert next_open(terms, opens) == opens
    assert opens - at <= 9 * 24 * 3_600_000


@given(windows(), MOMENTS, st.floats(0, 1))
def test_nothing_waits_longer_than_until_its_window_opens(terms: Terms, at: int, part: float) -> None:
    if terms.timezone not in ("UTC", "Asia/Kathmandu"):
        return  # where clocks change, an hour that is skipped moves an opening
    opens = next_open(terms, at)
    between = at + int((opens - at) * part)
    assert between == opens or next_open(terms, between) == opens


@pytest.mark.parametrize(
    ("hours", "days", "at", "opens"),
    [
        ("06:00-20:00", "", "2026-11-20T21:00", "2026-11-21T06:00"),
        ("22:00-04:00", "fri", "2026-11-21T03:59", "2026-11-21T03:59"),  # Friday's night ends on Saturday
        ("22:00-04:00", "fri", "2026-11-20T03:59", "2026-11-20T22:00"),
        ("", "mon-fri", "2026-11-21T12:00", "2026-11-23T00:00"),
        ("20:00-24:00", "", "2026-11-21T12:00", "2026-11-21T20:00"),
    ],
)
def test_windows_go_over_midnight_and_over_the_weekend(hours: str, days: str, at: str, opens: str) -> None:
    terms = Terms(hours=hours, days=days, timezone="UTC")
    found = next_open(terms, int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000))
    assert datetime.fromtimestamp(found / 1000, UTC) == datetime.fromisoformat(opens).replace(tzinfo=UTC)


def test_a_window_is_in_the_time_of_its_zone_before_and_after_clocks_change() -> None:
    terms = Terms(hours="06:00-20:00", timezone="Europe/Berlin")
    for day, utc_hour in ((datetime(2026, 10, 24, tzinfo=UTC), 4), (datetime(2026, 10, 25, tzinfo=UTC), 5)):
        found = next_open(terms, int(day.timestamp() * 1000))
        assert datetime.fromtimestamp(found / 1000, UTC) == day + timedelta(hours=utc_hour)


@given(st.integers(0, 30))
def test_every_probe_that_fails_doubles_the_pause_up_to_an_hour(probes: int) -> None:
    state, now = CLOSED, NOW
    for _ in range(MOST_FAILURES):
        state = breaker.failed(state, now, now)
    for _ in range(probes):
        assert state.open_until is not None
        now = state.open_until
        state = breaker.failed(state, now, now)
    assert state.open_until is not None
    assert state.open_until - now == min(FIRST_PAUSE * 2**probes, LONGEST_PAUSE)


@given(st.integers(1, MOST_FAILURES - 1))
def test_fewer_failures_in_a_row_open_no_breaker(failures: int) -> None:
    state = CLOSED
    for _ in range(failures):
        state = breaker.failed(state, NOW, NOW)
    assert state.open_until is None


@given(st.floats(0.01, 1000), st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 50)), min_size=1, max_size=40))
def test_no_more_is_taken_than_the_rate_allows(limit: float, asked: list[tuple[int, int]]) -> None:
    bucket, now, taken = rate.Bucket(), NOW, 0
    for pause, wanted in asked:
        now += pause
        count, bucket, again = rate.take(bucket, limit, wanted, now)
        taken += count
        assert count == wanted or again > now
        if again > now:
            assert rate.take(bucket, limit, 1, again)[0] == 1
    assert taken <= max(1.0, limit) + limit * (now - NOW) / 1000 + 0.001


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    _, bucket, _ = rate.take(rate.Bucket(), 10, 10, NOW)
    assert rate.take(bucket, 10, 1, NOW - 3_600_000)[0] == 0
