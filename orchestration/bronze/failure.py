"""Failed loads: they leave a ledger row that says why, and no landing."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.failures import SettingsError, StrataError
from orchestration.full_disk import REMEDY, DiskFull, is_full_disk
from orchestration.quality.gate import Gated
from orchestration.runtime import Runtime
from orchestration.settings import PROJECT, Settings
from orchestration.warehouse.clock import utc_now


def failed(draft: LoadResult, error: StrataError, gated: Gated | None = None) -> LoadResult:
    """Return a load's result for an error; with what the gate counted, if it came that far."""
    counts: dict[str, Any] = {"extracted": gated.extracted, "rejected": gated.rejected} if gated else {}
    return replace(draft, status=FAILED, failure_class=error.failure_class.value, message=str(error), **counts)


def give_up(runtime: Runtime, draft: LoadResult, error: StrataError) -> LoadResult:
    """Remove what landed of a load and return its failure, for the journal to record."""
    discard_landing(runtime, draft)
    return replace(failed(draft, error), seconds=(utc_now() - draft.started_at).total_seconds())


def unexpected(error: Exception, told: str, settings: Settings) -> StrataError:
    """Turn an error that no source system raised into one for people; ``told`` is its text without secrets."""
    if isinstance(error, duckdb.OutOfMemoryException):
        limit = f"STRATA_MEMORY_LIMIT_MB={settings.memory_limit_mb}"
        return SettingsError(f"{limit} is too little for this load: {told.splitlines()[0]}.", "Raise it.")
    if is_full_disk(error):
        return DiskFull(f"A disk is full: {told}", REMEDY)
    message = f"{type(error).__name__}: {told}"
    place = _raised_at(error, settings.sources_dir.resolve()) or _raised_at(error, PROJECT / "orchestration")
    return StrataError(f"{message.removesuffix('.')}.", f"It was raised in {place}.") if place else StrataError(message)


def _raised_at(error: Exception, folder: Path) -> str:
    """Return the innermost place below a folder that an error came through, as people look it up."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = (
        f"{Path(frame.filename).relative_to(folder.parent)}, line {frame.lineno}"
        for frame in frames
        if Path(frame.filename).is_relative_to(folder)
    )
    return next(places, "")


def discard_landing(runtime: Runtime, draft: LoadResult) -> None:
    """Remove a landing that bronze did not take: nobody may read it."""
    runtime.landing.clear(draft.place.load_prefix(draft.load_id))
