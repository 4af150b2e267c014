"""Failed loads: they leave a ledger row that says why, and no landing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.failures import StrataError
from orchestration.quality.gate import Gated
from orchestration.runtime import Runtime
from orchestration.warehouse.clock import utc_now


def failed(draft: LoadResult, error: StrataError, gated: Gated | None = None) -> LoadResult:
    """Return a load's result for an error; with what the gate counted, if it came that far."""
    counts: dict[str, Any] = {"extracted": gated.extracted, "rejected": gated.rejected} if gated else {}
    return replace(draft, status=FAILED, failure_class=error.failure_class.value, message=str(error), **counts)


def give_up(runtime: Runtime, draft: LoadResult, error: StrataError) -> LoadResult:
    """Remove what landed of a load and return its failure, for the journal to record."""
    discard_landing(runtime, draft)
    return replace(failed(draft, error), seconds=(utc_now() - draft.started_at).total_seconds())


def discard_landing(runtime: Runtime, draft: LoadResult) -> None:
    """Remove a landing that bronze did not take: nobody may read it."""
    runtime.landing.clear(draft.place.load_prefix(draft.load_id))
