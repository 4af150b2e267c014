"""Closes a day and publishes what readers see then, in one session: a load that waits finds both done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.publication.log import PublishedVersion
from orchestration.publication.publish import publish
from orchestration.publication.status import write_status
from orchestration.scripts.close.close import close
from orchestration.scripts.close.history import hide_unbuilt, shown_tables
from orchestration.scripts.close.outcome import CloseRequest, Closing
from orchestration.scripts.close.retention import forget_closes
from orchestration.warehouse.apply import protect

if TYPE_CHECKING:
    from orchestration.runtime import Runtime


def close_and_publish(runtime: Runtime, request: CloseRequest) -> tuple[Closing, list[PublishedVersion]]:
    """Close a day for every tenant and publish each table that differs from its last version.

    What an earlier close has shown and did not come to publish is published with it. A table that no tenant's
    close has any more is published empty before its view goes. Closes beyond the retention are forgotten at
    the end. Raises what :func:`close <orchestration.scripts.close.close.close>` does.
    """
    with runtime.warehouse.session(f"close of {request.as_of}") as session:
        closing = close(runtime, request)
        protect(session)
        versions = publish(session, runtime, shown_tables(session), {}, request.build_id)
        hide_unbuilt(session)
        forget_closes(session, runtime.settings.close_retention_days)
        write_status(session, runtime)
    return closing, versions
