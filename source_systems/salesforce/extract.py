"""Salesforce's extractor: REST for small answers, Bulk API 2.0 for large ones, the deleted feed for what is gone.

Why it reads as it does:

- **Cursor: SystemModstamp.** It also moves on automated changes (a pick-list value
  replaced, a roll-up, a back-end job), is indexed, and is never before LastModifiedDate,
  which imports may back-date. Rows are asked for with ``>=``; the engine's overlap covers
  late and equal timestamps.
- **Formula fields move no cursor.** ``Health_Score__c`` of Account is one (``calculated``
  in its contract): a delta brings its value only when something else of the row changed,
  and the daily load, which reads everything, refreshes it. It may be a day old.
- **Deletes.** ``queryAll`` brings what lies in the recycle bin (``IsDeleted``); what was
  purged is known to ``getDeleted`` alone, see ``deletions.py``. Objects that describe
  themselves as not replicateable have no feed and are compared by the daily load.
- **Whole or not at all.** A page, part or answer that is cut off, malformed or short of
  the number of rows announced is read again, and fails the load if it stays so.
- **Limits.** A load stops before the request that would exceed the org's daily
  allowance; a full load costs a handful of requests, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa

from orchestration.contracts.extraction import (
    Check,
    Connection,
    DeletedKeys,
    Extractor,
    JsonPage,
    Page,
    Window,
)
from orchestration.contracts.model import Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import ContractViolated
from source_systems.salesforce import bulk, deletions, doctor, keys, rest, soql
from source_systems.salesforce.fields import Description, read_description
from source_systems.salesforce.org import Org, Patience, json_object
from source_systems.salesforce.refusals import told_as_failures


@contextmanager
def connect(connection: Connection, patience: Patience | None = None) -> Iterator[SalesforceExtractor]:
    """Open one tenant's org; it is signed in to when the first request is made."""
    org = Org(connection, patience or Patience())
    try:
        yield SalesforceExtractor(org)
    finally:
        org.close()


class SalesforceExtractor(Extractor):
    """Reads one org; see the module's docstring for how and why."""

    def __init__(self, org: Org) -> None:
        """Use an org that is signed in to on demand."""
        self._org = org
        self._described: dict[str, Description] = {}

    def extract(self, contract: Contract, window: Window) -> Iterator[Page]:
        """Yield JSON pages, or CSV parts where the answer is large; deleted rows come with ``IsDeleted`` true."""
        with self._telling(contract):
            query = soql.select_rows(contract, window.since)
            fields = tuple(column.source_name for column in contract.columns)
            yield from self._read(contract, query, fields, include_deleted=True)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        """Return the object's fields as ``describe`` types them, without compound and binary ones."""
        with self._telling(contract):
            path = f"sobjects/{contract.physical_name}/describe"
            description = self._org.get(path, lambda reply: read_description(json_object(reply)))
        self._described[contract.physical_name] = description
        return description.columns

    def count(self, contract: Contract) -> int:
        """Return the number of rows that are not deleted."""
        with self._telling(contract):
            return rest.count(self._org, soql.count_rows(contract))

    def keys(self, contract: Contract) -> Iterator[pa.RecordBatch]:
        """Yield the ids of all rows that are not deleted."""
        with self._telling(contract):
            fields = tuple(column.source_name for column in contract.key_columns)
            for page in self._read(contract, soql.select_keys(contract), fields, include_deleted=False):
                yield keys.read(contract, page)

    def deleted(self, contract: Contract, window: Window) -> DeletedKeys:
        """Return the ids that the deleted feed names; see ``deletions.py`` for what it cannot tell.

        Raises:
            ContractViolated: the object has no such feed.
        """
        if contract.physical_name not in self._described:
            self.describe(contract)
        if not self._described[contract.physical_name].replicateable:
            raise ContractViolated(
                f"{self._label(contract)}: the object is not replicateable, so it has no deleted feed.",
                "Set deletes: daily in its contract.",
            )
        with self._telling(contract):
            ids, covered_until = deletions.read_feed(self._org, contract.physical_name, window.since, window.until)
            schema = keys.schema(contract)
            batches = (pa.RecordBatch.from_arrays([array], schema=schema) for array in ids if len(array))
            return DeletedKeys(batches, covered_until)

    def checks(self) -> list[Check]:
        """Say whether sign-in, API version, objects and the daily allowance are well."""
        return doctor.checks(self._org)

    def _read(
        self, contract: Contract, query: str, fields: tuple[str, ...], *, include_deleted: bool
    ) -> Iterator[Page]:
        """Read a query by REST, unless its size or its slowness asks for the Bulk API."""
        try:
            for page in rest.pages(self._org, soql.ordered(query, contract), include_deleted=include_deleted):
                if page.records:
                    yield JsonPage(page.body, "records")
        except rest.TooLarge:
            yield from bulk.parts(self._org, query, fields, include_deleted=include_deleted)

    def _telling(self, contract: Contract) -> AbstractContextManager[None]:
        return told_as_failures(self._label(contract))

    def _label(self, contract: Contract) -> str:
        return f"{self._org.connection.label}: {contract.physical_name}"
