"""A worker's turn at the control plane: one transaction settles what ended and claims what is next.

One commit for many deliveries is what makes the database keep up: it is synced to disk once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.control import Control
from orchestration.delivery.queue.claim import Claim, claim
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.rescue import renew, rescue
from orchestration.delivery.queue.settle import settle

PROMOTED_AT_ONCE = 1000


@dataclass(frozen=True)
class Turn:
    """What came of it; ``now`` is the database's time in milliseconds, ``lost`` what this worker no longer holds."""

    now: int
    claim: Claim
    promoted: int
    rescued: int
    dropped: list[Claimed]
    lost: list[Claimed]

    is_full: bool
    """Whether there was more to claim, or to promote, than was taken."""

    @property
    def moved(self) -> bool:
        """Whether there may be more to do at once."""
        return bool(self.claim.claimed or self.promoted or self.rescued)


@dataclass(frozen=True)
class Tenure:
    """Who works, and for how long what is claimed is its own (milliseconds)."""

    worker: str
    lease_ms: int


def take_turn(
    control: Control, tenure: Tenure, outcomes: Sequence[Outcome], to_renew: Sequence[Claimed], room: Room
) -> Turn:
    """Settle, renew, take over from the dead, promote and claim; all of it or nothing.

    Raises:
        StrataError: the database did not answer; the same turn may be taken again.
    """
    with control.transaction(tenure.worker) as connection:
        now = database_now(connection)
        dropped = settle(connection, now, outcomes, tenure.worker)
        lost = renew(connection, now, to_renew, tenure.lease_ms) if to_renew else []
        rescued = rescue(connection, now)
        promoted = promote(connection, now, PROMOTED_AT_ONCE)
        claimed = claim(connection, now, room, lease_ms=tenure.lease_ms) if room.deliveries > 0 else Claim()
        is_full = len(claimed.claimed) == room.deliveries or promoted == PROMOTED_AT_ONCE
        return Turn(now, claimed, promoted, rescued, dropped, lost, is_full)
