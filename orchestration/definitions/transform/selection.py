"""What a build that is started now would select, from the ledger itself."""

from __future__ import annotations

import dagster as dg

from orchestration import builds
from orchestration.definitions.transform.lineage import build_selection, downstream_models
from orchestration.definitions.transform.project import read_project
from orchestration.runtime import open_runtime
from orchestration.settings import Settings
from orchestration.warehouse.apply import apply


def pending_selection(settings: Settings) -> list[dg.AssetKey] | None:
    """Return the assets downstream of the changed sources; ``None`` for all, which also serves when nothing changed."""
    project = read_project(settings)
    with open_runtime(settings).warehouse.session("what a build would select") as session:
        apply(session)
        changes = builds.pending(session, project.fingerprint)
    sources = [source for source in changes.sources if downstream_models(project, source)]
    return None if changes.all_models or not sources else build_selection(project, sources)
