"""The one place that reads for a tenant: every method admits whoever asks, then reads that tenant's rows alone."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial

import pyarrow as pa

from orchestration.access import records, sealed
from orchestration.access.admission import admit
from orchestration.access.closed import opened_as_of
from orchestration.access.personal import masked
from orchestration.access.principal import Permission, Principal
from orchestration.access.records import TenantAlert, TenantLoad, TenantVersion
from orchestration.access.refusals import NotFound, no_table
from orchestration.access.relation import bronze_tables, moment_of, opened
from orchestration.access.rows import Question, count, select
from orchestration.access.status import told_to_tenant
from orchestration.bronze.quarantine import Reject, list_rejects
from orchestration.bronze.rejects import OPEN
from orchestration.names import Table
from orchestration.publication.pointer import published_tables
from orchestration.publication.status import Status, read_status
from orchestration.runtime import Runtime
from orchestration.warehouse.clock import utc_now


@dataclass(frozen=True)
class TenantTable:
    """A table that a principal may read, its columns with their types, and the tenant's rows in it."""

    table: Table
    columns: dict[str, str]
    rows: int


@dataclass(frozen=True)
class TenantAccess:
    """A principal's access to one tenant's data.

    Every method raises:
        NotFound: the tenant is unknown or somebody else's; so does what is asked for, where it is.
        Suspended: the tenant is suspended now.
        Forbidden: the principal may not do this.
    """

    runtime: Runtime
    tenant: str
    principal: Principal

    def tables(self) -> list[TenantTable]:
        """Return the tables that can be read, sorted."""
        self._admit(Permission.READ)
        known = published_tables(self.runtime.settings)
        if self._sees_clear:
            known = [*bronze_tables(self.runtime, self.tenant), *known]
        return [found for table in known if (found := self._described(table))]

    def read(self, table: Table, question: Question | None = None, as_of: date | None = None) -> pa.Table:
        """Return rows of one table; bronze with the permission ``pii`` alone. ``as_of``: as a day's close left it.

        Raises:
            Unanswerable: a column is unknown, or a value does not fit its column.
        """
        self._admit(Permission.READ)
        if as_of:
            with opened_as_of(self.runtime, self.tenant, table, as_of) as relation:
                return select(relation, question or Question())
        with opened(self.runtime, self.tenant, table, clear=self._sees_clear) as relation:
            return select(relation, question or Question())

    def sql(self, statement: str, limit: int | None = None) -> pa.Table:
        """Return what one SELECT finds in the tenant's own tables, which it names with their schema.

        Raises:
            Unanswerable: it is no single SELECT, fails, takes too long or reaches outside.
        """
        self._admit(Permission.SQL)
        named, moment = sealed.tables_named(statement), moment_of(self.runtime)
        with ExitStack() as stack:
            copies = [
                partial(
                    sealed.copy_in,
                    table=table,
                    relation=stack.enter_context(
                        opened(self.runtime, self.tenant, table, clear=self._sees_clear, moment=moment)
                    ),
                )
                for table in named
            ]
            with sealed.sealed(self.runtime.settings, copies) as con:
                stack.close()  # a writer need not wait while the statement thinks
                return sealed.answer(con, statement, limit)

    def versions(self, table: Table) -> list[TenantVersion]:
        """Return the kept states of the tenant's rows of a published table, newest first."""
        self._admit(Permission.READ)
        if table not in published_tables(self.runtime.settings):
            raise no_table(table)
        return records.versions(self.runtime, self.tenant, table)

    def status(self) -> Status:
        """Return how fresh the tenant's entities are; it opens nothing that a writer holds."""
        self._admit(Permission.STATUS)
        known = read_status(self.runtime.settings) or Status(written_at=utc_now())
        return told_to_tenant(known, self.tenant)

    def loads(self, limit: int = 100) -> list[TenantLoad]:
        """Return the tenant's loads, newest first."""
        self._admit(Permission.STATUS)
        return records.loads(self.runtime, self.tenant, limit)

    def alerts(self, limit: int = 100, *, open_only: bool = True) -> list[TenantAlert]:
        """Return the tenant's alerts, newest first."""
        self._admit(Permission.STATUS)
        return records.alerts(self.runtime, self.tenant, limit, open_only=open_only)

    def quarantine(
        self, source: str | None = None, entity: str | None = None, status: str | None = OPEN, limit: int = 1000
    ) -> list[Reject]:
        """Return the tenant's rejected rows, newest first; personal values are masked without ``pii``."""
        self._admit(Permission.QUARANTINE)
        found = list_rejects(self.runtime, source=source, entity=entity, tenant=self.tenant, status=status, limit=limit)
        return [self._shown(entry) for entry in found]

    def reject(self, quarantine_id: str) -> Reject:
        """Return one rejected row of the tenant's.

        Raises:
            NotFound: there is none of that id, or it is another tenant's.
        """
        self._admit(Permission.QUARANTINE)
        found = list_rejects(self.runtime, tenant=self.tenant, status=None, quarantine_id=quarantine_id, limit=1)
        if not found:
            raise NotFound(f"Quarantine has no entry {quarantine_id!r}.", "See: strata quarantine list.")
        return self._shown(found[0])

    @property
    def _sees_clear(self) -> bool:
        return Permission.PII in self.principal.permissions

    def _admit(self, permission: Permission) -> None:
        admit(self.runtime, self.tenant, self.principal, permission)

    def _shown(self, entry: Reject) -> Reject:
        return entry if self._sees_clear else masked(entry, self.runtime)

    def _described(self, table: Table) -> TenantTable | None:
        """Describe a table; ``None`` when it has no tenants' rows, or was never loaded."""
        try:
            with opened(self.runtime, self.tenant, table, clear=self._sees_clear) as relation:
                return TenantTable(table, dict(relation.columns), count(relation))
        except NotFound:
            return None
