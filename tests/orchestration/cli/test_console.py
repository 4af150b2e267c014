"""What the command line prints of values: instants in the platform's time zone, the first and last there are too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.cli.console import moment


@pytest.mark.parametrize(
    ("instant", "zone", "shown"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "Europe/Berlin", "2026-07-01 14:00"),
        ("2026-01-01T12:00:00", "Europe/Berlin", "2026-01-01 13:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York", f"{datetime(1, 1, 1, tzinfo=UTC):%Y}-01-01 00:00"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Europe/Berlin", "9999-12-31 23:59"),
        (None, "Europe/Berlin", ""),
    ],
)
def test_an_instant_is_shown_in_the_zone(instant: datetime | str | None, zone: str, shown: str) -> None:
    assert moment(instant, zone) == shown
