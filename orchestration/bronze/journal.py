"""The results of one call, and the two things written for many loads at once: ledger rows and the status file.

A load that changed nothing, or failed, waits here for others of its kind. A process that is
killed before they are written has lost rows of the ledger that tell of nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from orchestration.bronze import ledger, standing
from orchestration.bronze.admission import Admission
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.settling import find_idle, not_moved
from orchestration.bronze.sighting import Sighting
from orchestration.failures import Busy, StrataError
from orchestration.publication.status import StatusWriter
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session
from orchestration.warehouse.turns import beside_others

_MOST_ROWS = 20_000
_MOST_SECONDS = 10.0


@dataclass
class Journal:
    """Collects what a call's loads came to; ``results`` are complete after :meth:`close`."""

    status: StatusWriter
    admission: Admission
    results: list[LoadResult] = field(default_factory=list)
    _unwritten: list[LoadResult] = field(default_factory=list)
    _sightings: list[Sighting] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def add(self, result: LoadResult) -> None:
        """Take a result; one that no transaction has recorded is written later."""
        (self.results if result.seq else self._unwritten).append(result)

    def keep(self, sighting: Sighting) -> None:
        """Take what a look saw."""
        self._sightings.append(sighting)

    @property
    def is_full(self) -> bool:
        """Say whether it is time to settle: enough is in memory, or has waited long enough."""
        rows = sum(sighting.size for sighting in self._sightings)
        return self.is_waiting and (rows > _MOST_ROWS or time.monotonic() - self._since > _MOST_SECONDS)

    @property
    def is_waiting(self) -> bool:
        """Say whether anything is to be settled."""
        return bool(self._sightings or self._unwritten)

    def settle(self) -> Sequence[Sighting]:
        """Write what did nothing; return the sightings that turned out to need a regular load."""
        sightings, failures = self._sightings, self._unwritten
        self._sightings, self._unwritten, self._since = [], [], time.monotonic()
        if not sightings and not failures:
            return []
        try:
            idle = beside_others(
                self.status.runtime.warehouse,
                "what loads came to",
                lambda session: self._record(session, sightings, failures),
            )
        except StrataError:
            # Out of reach: failures are only told, and the regular load says of the others what is in its way.
            self.results += failures
            return sightings
        return [sighting for number, sighting in enumerate(sightings) if number not in idle]

    def _record(self, session: Session, sightings: list[Sighting], failures: list[LoadResult]) -> set[int]:
        standing.refresh(session)  # where the call could not begin as it should, this may be the first session of all
        if failures:
            apply.ensure(session)  # for the same reason: an older warehouse has no log for their events yet
        with session.transaction():
            idle = find_idle(session, sightings) if sightings else {}
            stopped = self.admission.stopped({result.tenant_id for result in idle.values()})
            idle = {number: result for number, result in idle.items() if result.tenant_id not in stopped}
            with session.numbering() as overtaken:
                if overtaken and idle:
                    idle = not_moved(session, sightings, idle)
                recorded = ledger.record_all(session, [*failures, *idle.values()], ledger.next_stamp(session))
        self.results += recorded
        self.status.now_and_then(session)
        return set(idle)

    def close(self) -> None:
        """Bring the status file up to date, where it is not.

        What waits for the warehouse in vain is left to the next call: the loads themselves are done.
        """
        if self.status.is_behind:
            with suppress(Busy):
                beside_others(self.status.runtime.warehouse, "status of a call", self.status.write)
