"""Work that goes on beside other loads, and takes its turn alone only where it comes to change a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from orchestration.warehouse.protocol import NotAlone, Session, Warehouse

_T = TypeVar("_T")


def beside_others(warehouse: Warehouse, purpose: str, work: Callable[[Session], _T], *, place: str = "") -> _T:
    """Do work in a session beside others, of which none writes the same ``place``; return what it returns.

    Work that may change tables has to leave nothing behind where it is broken off: it is done once more, alone.

    Raises:
        Busy: somebody was in the way for longer than ``lock_wait_seconds``.
    """
    try:
        with warehouse.session(purpose, beside=place) as session:
            return work(session)
    except NotAlone:
        with warehouse.session(purpose) as session:
            return work(session)
