"""A look at a source that probably has nothing new: what a delta would read is kept in memory, and not landed.

Most hourly loads find the rows of the overlap again and nothing else. Landing and merging
those costs ten times what reading them does; so small answers are gathered and compared
with bronze many loads at a time (``settling``). Whatever is not plainly nothing is loaded
the regular way: a look decides nothing and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pyarrow as pa

from orchestration.bronze.extraction import Extraction, order_delta
from orchestration.bronze.ledger import LoadResult, Mark
from orchestration.bronze.request import Request
from orchestration.contracts.extraction import Extractor, Page, Window
from orchestration.contracts.model import Contract
from orchestration.landing.parquet import normalised
from orchestration.warehouse.clock import utc_now

MOST_ROWS = 1000
"""An answer with more rows than this is worth a load of its own."""


@dataclass(frozen=True)
class Sighting:
    """What a look saw; ``draft`` is the ledger row that it will be if bronze has all of it.

    ``contract`` is the effective one, ``known`` the file's. ``source_rows`` is the source's own count, if asked for.
    """

    request: Request
    known: Contract
    contract: Contract
    draft: LoadResult
    mark: Mark
    rows: pa.Table | None
    source_rows: int | None

    @property
    def size(self) -> int:
        """Rows that are kept in memory."""
        return self.rows.num_rows if self.rows is not None else 0


class _NotPlain(Exception):
    """The source answered with more than a few rows in Arrow."""


@dataclass
class _Memory:
    """Keeps a small answer."""

    contract: Contract
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0

    def write(self, page: Page) -> None:
        """Keep Arrow rows; text has to pass the gate before it can be compared with anything."""
        if not isinstance(page, pa.RecordBatch):
            raise _NotPlain
        self.rows += page.num_rows
        if self.rows > MOST_ROWS:
            raise _NotPlain
        if page.num_rows:
            self.batches.append(normalised(page, self.contract))

    def write_deleted(self, batch: pa.RecordBatch) -> None:
        """Reported deletions are news."""
        if batch.num_rows:
            raise _NotPlain

    def write_present(self, batch: pa.RecordBatch) -> None:
        """No look sweeps."""

    def table(self) -> pa.Table | None:
        """Return the rows, if there are any."""
        return pa.Table.from_batches(self.batches) if self.batches else None


def may_look(request: Request, contract: Contract, mark: Mark) -> bool:
    """Say whether a look may do: bronze follows this very contract, and no crashed load left files behind."""
    if request.mode != "hourly" or request.force_reason or not mark.seq or mark.version != contract.version:
        return False
    place = request.place(contract.entity)
    return not request.runtime.landing.folders(place.prefix, after=mark.last_load_id or "")


def look(request: Request, contract: Contract, mark: Mark, extractor: Extractor) -> Sighting | None:
    """Read what a delta would; ``None`` when it is more than a look can take in.

    Raises:
        StrataError: whatever the extractor raises.
    """
    draft = request.draft(contract.entity, contract.version, full=False)
    began = utc_now()
    order = order_delta(contract, mark, request.source.description.start, began)
    extraction = Extraction(extractor, request.connection, contract, request.runtime.landing, request.on_progress)
    drift = extraction.find_drift()
    effective = contract.with_added(drift.added)
    window, memory = Window(order.since, began), _Memory(effective)
    try:
        covered = extraction.read(memory, effective, order, window)
    except _NotPlain:
        return None
    counted = extractor.count(effective) if order.count else None
    seconds = (utc_now() - began).total_seconds()
    deletes = [instant for instant in (mark.deletes_until, covered) if instant]
    draft = replace(
        draft,
        window_since=window.since,
        window_until=window.until,
        deletes_until=window.until if counted is not None else max(deletes, default=None),
        extract_seconds=seconds,
        seconds=seconds,
        extracted=memory.rows,
        unchanged=memory.rows,
        message=drift.note,
    )
    extraction.tell(memory.rows, 0, "done")
    return Sighting(request, contract, effective, draft, mark, memory.table(), counted)
