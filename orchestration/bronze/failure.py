"""Failed loads: they leave a ledger row that says why, and no landing."""

from __future__ import annotations

from dataclasses import replace
from errno import ENOSPC
from typing import Any

import duckdb

from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.failures import SettingsError, StrataError
from orchestration.quality.gate import Gated
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse.clock import utc_now


def failed(draft: LoadResult, error: StrataError, gated: Gated | None = None) -> LoadResult:
    """Return a load's result for an error; with what the gate counted, if it came that far."""
    counts: dict[str, Any] = {"extracted": gated.extracted, "rejected": gated.rejected} if gated else {}
    return replace(draft, status=FAILED, failure_class=error.failure_class.value, message=str(error), **counts)


def give_up(runtime: Runtime, draft: LoadResult, error: StrataError) -> LoadResult:
    """Remove what landed of a load and return its failure, for the journal to record."""
    discard_landing(runtime, draft)
    return replace(failed(draft, error), seconds=(utc_now() - draft.started_at).total_seconds())


def out_of_room(error: Exception, settings: Settings) -> StrataError | None:
    """Tell of memory or a disk that was too small; ``None`` for any other error."""
    if isinstance(error, duckdb.OutOfMemoryException):
        said = str(error).splitlines()[0]
        message = f"STRATA_MEMORY_LIMIT_MB={settings.memory_limit_mb} is too little for this load: {said}."
        return SettingsError(message, "Raise it.")
    if getattr(error, "errno", None) == ENOSPC or "No space left on device" in str(error):
        return StrataError(f"A disk is full: {error}", "Make room below STRATA_HOME, and load again.")
    return None


def discard_landing(runtime: Runtime, draft: LoadResult) -> None:
    """Remove a landing that bronze did not take: nobody may read it."""
    runtime.landing.clear(draft.place.load_prefix(draft.load_id))
