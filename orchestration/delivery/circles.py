"""Finds jobs that would start themselves: a job loads a source, and what is built from that source starts the job.

Which tables are built from which sources is known before anything runs (dbt's manifest, the
analysts' scripts), so a circle is found as such, over several registrations too, and not
guessed from how often something ran.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from orchestration.bronze.lineage import downstream
from orchestration.contracts.source import SourceSystem
from orchestration.delivery import registry
from orchestration.delivery.registration import Registration
from orchestration.failures import SettingsError
from orchestration.names import Table
from orchestration.publication.event_log import LOAD_FAILED, QUALITY_FAILED, SCHEMA_CHANGED
from orchestration.publication.event_queries import read_event_queries
from orchestration.runtime import Runtime
from orchestration.scripts.lineage import lineages
from orchestration.scripts.source import FOLDER
from orchestration.settings import Settings

Feeding = Mapping[Table, frozenset[str]]
"""The sources that a table is built from."""
_OF_LOADS = {LOAD_FAILED, QUALITY_FAILED, SCHEMA_CHANGED}


@dataclass(frozen=True)
class Job:
    """A registration that loads a source when a table changes, or (``follows_loads``) when a load tells of itself."""

    name: str
    source: str
    tables: Collection[Table]
    follows_loads: bool = False

    def is_started_by(self, source: str, built_from: Feeding) -> bool:
        """Say whether a load of a source may start it."""
        return self.follows_loads or any(source in built_from.get(table, ()) for table in self.tables)


def refuse_circle(runtime: Runtime, wish: Registration) -> None:
    """Refuse a job that what it loads would start again, alone or by way of the tenant's other jobs.

    Raises:
        SettingsError: it would; names the registrations that the circle goes through.
    """
    if wish.channel != "job":
        return
    with runtime.control.reading(wish.tenant) as connection:
        registered = registry.registrations(connection, wish.tenant)
    others = [item for item in registered if item.channel == "job" and item.place != wish.place]
    if found := circle(_job(runtime, wish), [_job(runtime, item) for item in others], feeding(runtime)):
        text = f"What {wish.label} loads would start it again, by way of {' → '.join(found)}."
        raise SettingsError(
            text, "Register for tables that are not built from what is loaded, and for no load's events."
        )


def feeding(runtime: Runtime) -> Feeding:
    """Return which sources each table is built from; before the dbt project was ever parsed, those of bronze alone."""
    found: dict[Table, frozenset[str]] = {}
    for source in runtime.sources.values():
        for table in _built_from(runtime.settings, source):
            found[table] = found.get(table, frozenset()) | {source.name}
    for script in lineages(runtime.settings.scripts_dir / FOLDER):
        sources: frozenset[str] = frozenset().union(*(found.get(table, frozenset()) for table in script.reads))
        found |= {table: found.get(table, frozenset()) | sources for table in script.writes}
    return found


def circle(job: Job, others: Collection[Job], built_from: Feeding) -> tuple[str, ...]:
    """Return the names of the jobs by which a job starts itself, in their order; empty when it does not."""
    paths: dict[str, tuple[str, ...]] = {job.source: (job.name,)}
    waiting = [job.source]
    while waiting:
        source = waiting.pop(0)
        if job.is_started_by(source, built_from):
            return paths[source]
        for other in others:
            if other.source not in paths and other.is_started_by(source, built_from):
                paths[other.source] = (*paths[source], other.name)
                waiting.append(other.source)
    return ()


def _job(runtime: Runtime, wish: Registration) -> Job:
    queries, _ = read_event_queries(runtime.settings)
    asked = [table for query in queries if query.name in wish.events for table in query.tables]
    source = str(wish.settings.get("source", {}).get("value", ""))
    return Job(wish.registration_id, source, (*wish.tables, *asked), not _OF_LOADS.isdisjoint(wish.events))


def _built_from(settings: Settings, source: SourceSystem) -> Iterable[Table]:
    tables = [contract.table for contract in source.contracts.values()]
    return (*tables, *downstream(settings, tables))
