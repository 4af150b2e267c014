"""The shrink guard: tombstones are held back when a source answers with suspiciously few rows.

A broken filter, a lost permission or a half-restored database looks just like mass
deletion. Upserts are applied all the same; the tombstones wait for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Guard:
    """``threshold`` is the fraction of live rows that may go missing at once; ``reason`` is a person's go-ahead.

    ``answered`` is the number of rows, or of keys, that the source answered with.
    """

    threshold: float
    answered: int
    reason: str | None = None

    def judge(self, session: Session, kind: str, *, missing: int, live: int, rejects: str) -> str:
        """Return why ``missing`` tombstones are to be held; empty when they may be written."""
        if not missing or self.reason or kind == "changes":
            return ""
        if not self.answered:
            return f"The source answered with no rows; bronze has {live:,}."
        if missing > self.threshold * live:
            return f"{missing / live:.0%} of {live:,} rows are gone, more than {self.threshold:.0%}."
        if unreadable := self._unreadable(session, kind, rejects):
            gone = f"the {missing:,} that seem to be gone"
            return f"{unreadable:,} rejected rows have no readable key and may be among {gone}."
        return ""

    @staticmethod
    def _unreadable(session: Session, kind: str, rejects: str) -> int:
        if kind != "snapshot":
            return 0
        return int(session.execute(f"SELECT count(*) FROM {rejects} WHERE key IS NULL")[0][0])


APPLY_ALL = Guard(threshold=1.0, answered=1, reason="as the ledger says")
"""Lets everything through: for replaying a load whose tombstones were written at the time."""
HOLD_ALL = Guard(threshold=-1.0, answered=1)
"""Holds every tombstone: for replaying a load whose tombstones were held at the time."""
