"""What was asked for, by whom and over which connection; every load of it begins here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.bronze.admission import Admission
from orchestration.bronze.ledger import LOADED, LoadResult
from orchestration.bronze.progress import OnProgress
from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.landing.manifest import Place, new_load_id
from orchestration.publication.status import StatusWriter
from orchestration.runtime import Runtime
from orchestration.telemetry import current_traceparent
from orchestration.warehouse.clock import utc_now


@dataclass(frozen=True)
class Request:
    """A call of ``load_source``, for one connection."""

    runtime: Runtime
    source: SourceSystem
    connection: Connection
    mode: Mode
    who: str
    admission: Admission
    status: StatusWriter
    run_id: str | None = None
    force_reason: str | None = None
    on_progress: OnProgress | None = None

    def place(self, entity: str) -> Place:
        """Return where an entity's loads over this connection land."""
        return Place(self.connection.tenant, self.connection.source, self.connection.instance, entity)

    def purpose(self, entity: str) -> str:
        """Say what a lock is held for."""
        return f"load {self.connection.label}/{entity}"

    def draft(self, entity: str, contract_version: str, *, full: bool) -> LoadResult:
        """Return the ledger row of a load that begins now."""
        return LoadResult(
            load_id=new_load_id(),
            tenant_id=self.connection.tenant,
            connection=self.connection.instance,
            source=self.connection.source,
            entity=entity,
            mode="full" if full else "delta",
            requested=self.mode,
            status=LOADED,
            started_at=utc_now(),
            who=self.who,
            reason=self.force_reason,
            run_id=self.run_id,
            contract_version=contract_version,
            traceparent=current_traceparent(),
        )

    def between_pages(self) -> None:
        """Stop the reading when the tenant is suspended meanwhile; asks every half second at most."""
        self.admission.require_between_pages(self.connection.tenant)

    def redacted(self, text: str) -> str:
        """Take this connection's secrets out of a text that comes from a library."""
        for setting in self.connection.settings.values():
            if secret := setting.get_secret_value():
                text = text.replace(secret, "***")
        return text


def load_lock(runtime: Runtime, place: Place) -> Path:
    """Return the lock that a load, a replay and a rebuild of one entity and connection share."""
    return runtime.settings.locks_dir / f"load-{place.tenant}-{place.source}-{place.connection}-{place.entity}.lock"
