"""When tombstones are held back: the guard's decision for every kind of answer, apart from any load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.bronze.guard import APPLY_ALL, HOLD_ALL, Guard
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.protocol import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with rejects: two of known keys, and, in another relation, one whose key nobody can read."""
    with open_warehouse(load_settings(home=tmp_path, memory_limit_mb=128)).session("guard") as session:
        session.execute("CREATE TEMP TABLE readable AS SELECT '7' AS key UNION ALL SELECT '8'")
        session.execute("CREATE TEMP TABLE unreadable AS SELECT '7' AS key UNION ALL SELECT NULL")
        yield session


JUDGED = [
    # threshold, answered, kind, missing, live, rejects, what is said
    (0.2, 8, "snapshot", 0, 10, "readable", ""),
    (0.2, 8, "snapshot", 2, 10, "readable", ""),
    (0.2, 7, "snapshot", 3, 10, "readable", "30% of 10 rows are gone, more than 20%."),
    (0.2, 7, "keys", 3, 10, "readable", "30% of 10 rows are gone, more than 20%."),
    (1.0, 0, "snapshot", 10, 10, "readable", "The source answered with no rows; bronze has 10."),
    (1.0, 0, "keys", 1, 1_000, "readable", "The source answered with no rows; bronze has 1,000."),
    (0.2, 9, "snapshot", 1, 10, "unreadable", "1 rejected rows have no readable key"),
    # Keys come without rows, so that no reject can be one of those that are gone.
    (0.2, 9, "keys", 1, 10, "unreadable", ""),
    # A source that names what it deleted is believed, however much it is.
    (0.2, 0, "changes", 10, 10, "unreadable", ""),
]


@pytest.mark.parametrize("case", JUDGED, ids=str)
def test_tombstones_are_held_with_their_reason(
    session: Session, case: tuple[float, int, str, int, int, str, str]
) -> None:
    threshold, answered, kind, missing, live, rejects, said = case
    reason = Guard(threshold, answered).judge(session, kind, missing=missing, live=live, rejects=rejects)
    assert reason.startswith(said)
    assert bool(reason) == bool(said)


def test_a_person_s_reason_lets_everything_through(session: Session) -> None:
    guard = Guard(0.0, 0, reason="the archive moved")
    assert not guard.judge(session, "snapshot", missing=10, live=10, rejects="unreadable")


def test_a_replay_does_what_was_done_then(session: Session) -> None:
    assert not APPLY_ALL.judge(session, "snapshot", missing=10, live=10, rejects="unreadable")
    assert HOLD_ALL.judge(session, "snapshot", missing=1, live=10, rejects="readable")
