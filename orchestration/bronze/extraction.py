"""Reads one entity from a source into landing; the warehouse is neither held nor needed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import pyarrow as pa

from orchestration.bronze.ledger import Mark
from orchestration.bronze.progress import OnProgress, Progress
from orchestration.contracts.drift import Drift, find_drift
from orchestration.contracts.extraction import ByteFile, Connection, CsvPart, Extractor, Page, Window
from orchestration.contracts.model import Contract, Deletes
from orchestration.landing.manifest import Manifest
from orchestration.landing.store import LandingStore
from orchestration.landing.writer import LandingWriter
from orchestration.quality.rows.arrow_memory import frugal_arrow
from orchestration.warehouse.clock import utc_now

Reading = Literal["full", "delta", "sweep"]


@dataclass(frozen=True)
class Order:
    """What to read: everything, what changed since the mark, or all keys; ``since`` bounds a delta's rows.

    ``count`` asks for the source's row count, ``first`` says that bronze has nothing yet that could be gone.
    """

    reading: Reading
    since: datetime | None = None
    deletes_since: datetime | None = None
    count: bool = False
    first: bool = False


class Taker(Protocol):
    """What takes the pages of an extraction: the landing's writer, or a look that keeps them in memory."""

    def write(self, page: Page) -> None:
        """Take a page of rows."""

    def write_deleted(self, batch: pa.RecordBatch) -> None:
        """Take keys that the source reports as deleted."""

    def write_present(self, batch: pa.RecordBatch) -> None:
        """Take keys of a sweep."""


@dataclass(frozen=True)
class _CountedFile:
    """A file of a page, which says what was read of it: it may be all there is, and take hours."""

    file: ByteFile
    count: Callable[[int, int], None]

    def read(self, size: int, /) -> bytes:
        """Read, and count it."""
        content = self.file.read(size)
        self.count(0, len(content))
        return content


@dataclass(frozen=True)
class Landed:
    """What was read. ``source_rows`` is the source's own count, taken after its rows were read."""

    contract: Contract
    manifest: Manifest
    note: str
    seconds: float
    source_rows: int | None = None


def order_delta(contract: Contract, mark: Mark, start: datetime, now: datetime) -> Order:
    """Say from when on a delta reads rows and reported deletions.

    Rows are read from before the deletions: a row that was deleted and restored since then
    must arrive alive together with its deletion, late timestamp or not, or the deletion would win.
    """
    since = _before(mark.watermark, contract.overlap) if mark.watermark else start
    if contract.deletes is Deletes.FEED:
        if mark == Mark():
            return Order("delta", since, first=True)
        deletes_since = _before(mark.deletes_until, contract.overlap) if mark.deletes_until else since
        return Order("delta", min(since, _before(deletes_since, contract.overlap)), deletes_since)
    return Order("delta", since, count=sweep_is_due(contract, mark, now))


def _before(instant: datetime, overlap: timedelta) -> datetime:
    """Go back, but not beyond the first day there is, which some systems write for none."""
    first = datetime.min.replace(tzinfo=UTC)
    return instant - overlap if instant - first > overlap else first


def sweep_is_due(contract: Contract, mark: Mark, now: datetime) -> bool:
    """Say whether deletions of a swept entity have not been looked for lately."""
    if contract.deletes is not Deletes.SWEEP:
        return False
    # A tick that starts a few seconds early must not skip a whole interval.
    return mark.deletes_until is None or now - mark.deletes_until >= contract.sweep_every * 0.95


def _go_on() -> None:
    """Let the reading go on."""


@dataclass
class Extraction:
    """One entity of one connection being read; ``between_pages`` may raise to stop it."""

    extractor: Extractor
    connection: Connection
    contract: Contract
    store: LandingStore
    on_progress: OnProgress | None = None
    between_pages: Callable[[], None] = _go_on
    expected_rows: int | None = None

    def land(self, order: Order, load_id: str) -> Landed:
        """Read and land.

        Raises:
            SchemaDrift: the source's columns no longer fit the contract.
            StrataError: whatever the extractor raises.
        """
        began = utc_now()
        drift = self.find_drift()
        contract = self.contract.with_added(drift.added)
        window = Window(order.since if order.reading == "delta" else None, began)
        mode: Literal["full", "delta"] = "full" if order.reading == "full" else "delta"
        writer = LandingWriter(self.store, contract, self.connection, mode=mode, window=window, load_id=load_id)
        # Arrow's usual allocator takes pages of 2 MB, which the kernel clears first: measured for 20,000 rows on a busy
        # machine, 60 of 85 CPU ms. What batches took is given back, so that it is not on top of what the merge takes.
        with frugal_arrow(), writer:
            covered = self.read(writer, contract, order, window)
            rows = self.extractor.count(contract) if order.count else None
            manifest = writer.commit(deletes_until=covered)
        return Landed(contract, manifest, drift.note, (utc_now() - began).total_seconds(), rows)

    def find_drift(self) -> Drift:
        """Compare the contract with the source's columns.

        Raises:
            SchemaDrift: columns are gone or retyped.
        """
        return find_drift(self.contract, self.extractor.describe(self.contract))

    def read(self, taker: Taker, contract: Contract, order: Order, window: Window) -> datetime | None:
        """Hand over what the order asks for, deletions first: see :func:`statements.compare_delta`.

        Returns until when deletions are known.
        """
        if order.reading == "sweep":
            for batch in self._counted(self.extractor.keys(contract)):
                taker.write_present(batch)
            return window.until
        covered = None
        if order.deletes_since:
            deleted = self.extractor.deleted(contract, Window(order.deletes_since, window.until))
            for batch in deleted.batches:
                taker.write_deleted(batch)
            covered = deleted.covered_until
        if order.reading == "full" or contract.cursor:
            for page in self._counted(self.extractor.extract(contract, window)):
                taker.write(page)
        return window.until if order.reading == "full" or order.first else covered

    def _counted(self, pages: Iterator[Page]) -> Iterator[Page]:
        rows = size = 0

        def count(more_rows: int, more_bytes: int) -> None:
            nonlocal rows, size
            rows, size = rows + more_rows, size + more_bytes
            self.between_pages()
            self.tell(rows, size, "extract")

        for page in pages:
            if isinstance(page, CsvPart) and not isinstance(page.body, bytes):
                yield replace(page, body=_CountedFile(page.body, count), name=page.title)
                continue
            yield page
            if isinstance(page, pa.RecordBatch):
                count(page.num_rows, page.nbytes)
            elif isinstance(page.body, bytes):
                count(0, len(page.body))

    def tell(self, rows: int, size: int, phase: str) -> None:
        """Report progress, if anybody listens."""
        if self.on_progress:
            label = f"{self.connection.label}/{self.contract.entity}"
            self.on_progress(Progress(label, rows, size, self.expected_rows, phase))
