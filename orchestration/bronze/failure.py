"""Failed loads: they leave a ledger row that says why, and no landing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orchestration.bronze import ledger
from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.failures import StrataError
from orchestration.publication.status import write_status
from orchestration.quality.gate import Gated
from orchestration.runtime import Runtime
from orchestration.warehouse import apply


def failed(draft: LoadResult, error: StrataError, gated: Gated | None = None) -> LoadResult:
    """Return a load's result for an error; with what the gate counted, if it came that far."""
    counts: dict[str, Any] = {"extracted": gated.extracted, "rejected": gated.rejected} if gated else {}
    return replace(draft, status=FAILED, failure_class=error.failure_class.value, message=str(error), **counts)


def record_failure(runtime: Runtime, draft: LoadResult, error: StrataError) -> LoadResult:
    """Write the failure to the ledger; when even that is out of reach, only tell it."""
    result = failed(draft, error)
    discard_landing(runtime, draft)
    try:
        with runtime.warehouse.session(f"record a failed load of {draft.source}/{draft.entity}") as session:
            apply.ensure(session)
            with session.transaction():
                result = ledger.record(session, result, ledger.next_stamp(session))
            write_status(session, runtime)
    except StrataError:
        return result
    return result


def discard_landing(runtime: Runtime, draft: LoadResult) -> None:
    """Remove a landing that bronze did not take: nobody may read it."""
    runtime.landing.clear(draft.place.load_prefix(draft.load_id))
