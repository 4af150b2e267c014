"""What a run of the whole day did, table by table.

Bronze comes from the load ledger and what is published from the publication log: the counts
are those recorded with the data, not what the jobs said. Of silver, rows and seconds are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.cli.drift_told import Drifted, Noted, drifted
from orchestration.names import DELETED_AT, FINANCE, GOLD, SILVER, Table, bronze_schema, bronze_table, qualified
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import apply
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Line:
    """One table's day, all tenants, loads and versions together; ``None`` where nothing was measured.

    ``read`` rows came in from the source: inserted, updated, unchanged and rejected together
    (bronze). ``rows`` are in the table now; of bronze those that the source has still.
    """

    layer: str
    table: str
    read: int | None = None
    rows: int | None = None
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    deleted: int | None = None
    rejected: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Mark:
    """How far ledger and publication log were before the day began."""

    load: int
    publication: int


def read_mark(runtime: Runtime) -> Mark:
    """Return how far the records go now."""
    with runtime.warehouse.session("note where the day begins") as session:
        apply.apply(session)
        return Mark(_last(session, "load_ledger"), _last(session, "publication_log"))


def _last(session: Session, table: str) -> int:
    return int(session.execute(f"SELECT coalesce(max(seq), 0) FROM {platform_table(table)}")[0][0])


def summarize(runtime: Runtime, since: Mark, run_ids: Iterable[str]) -> list[Line]:
    """Return a line for each table that was loaded or is published, in the order of the layers."""
    run_ids = [run_id for run_id in run_ids if run_id]
    seconds = model_seconds(runtime.settings, run_ids)
    with runtime.warehouse.session("summary of the day") as session:
        seconds |= _script_seconds(session, run_ids)
        return [*_bronze(session, since), *_silver(session, seconds), *_published(session, since, seconds)]


def _bronze(session: Session, since: Mark) -> list[Line]:
    rows = session.execute(
        f"""
SELECT source, entity, sum(extracted), sum(inserted), sum(updated), sum(unchanged + superseded), sum(deleted),
    sum(rejected), sum(seconds)
FROM {platform_table("load_ledger")} WHERE seq > ? GROUP BY ALL ORDER BY ALL""",
        [since.load],
    )
    return [
        Line(
            layer=bronze_schema(source),
            table=entity,
            read=int(extracted),
            rows=_live(session, bronze_table(source, entity)),
            inserted=int(inserted),
            updated=int(updated),
            unchanged=int(unchanged),
            deleted=int(deleted),
            rejected=int(rejected),
            seconds=float(seconds),
        )
        for source, entity, extracted, inserted, updated, unchanged, deleted, rejected, seconds in rows
    ]


def _live(session: Session, table: Table) -> int | None:
    """Count the rows that are not deleted; ``None`` where no load has made the table yet."""
    if not session.columns(table):
        return None
    return int(session.execute(f"SELECT count(*) FROM {qualified(table)} WHERE {DELETED_AT} IS NULL")[0][0])


def drift_since(runtime: Runtime, since: Mark) -> list[Drifted]:
    """Return what the day's loads found at the sources that contracts do not name."""
    with runtime.warehouse.session("drift of the day") as session:
        rows = session.execute(
            "SELECT source, entity, tenant_id, requested, status, message "
            f"FROM {platform_table('load_ledger')} WHERE seq > ? ORDER BY source, entity, tenant_id",
            [since.load],
        )
    return drifted(Noted(*(text or "" for text in row)) for row in rows)


def _silver(session: Session, seconds: Mapping[Table, float]) -> list[Line]:
    built = [(SILVER, name) for name in session.tables(SILVER) if (SILVER, name) in seconds]
    return [
        Line(
            *table, rows=int(session.execute(f"SELECT count(*) FROM {qualified(table)}")[0][0]), seconds=seconds[table]
        )
        for table in built
    ]


def _published(session: Session, since: Mark, seconds: Mapping[Table, float]) -> list[Line]:
    """Sum the differences of the day's versions; of several versions, the unchanged rows add up to nothing."""
    log = platform_table("publication_log")
    rows = session.execute(
        f"""
WITH newest AS (SELECT max(seq) AS seq FROM {log} GROUP BY schema_name, table_name),
day AS (
    SELECT schema_name, table_name, count(*) AS versions, sum(inserted) AS inserted, sum(updated) AS updated,
        sum(deleted) AS deleted
    FROM {log} WHERE seq > ? GROUP BY schema_name, table_name)
SELECT l.schema_name, l.table_name, l.rows, coalesce(d.inserted, 0), coalesce(d.updated, 0), coalesce(d.deleted, 0),
    CASE coalesce(d.versions, 0) WHEN 0 THEN l.rows WHEN 1 THEN l.rows - l.inserted - l.updated END
FROM newest n JOIN {log} l ON l.seq = n.seq
LEFT JOIN day d ON d.schema_name = l.schema_name AND d.table_name = l.table_name
ORDER BY CASE l.schema_name WHEN '{SILVER}' THEN 1 WHEN '{GOLD}' THEN 2 ELSE 3 END, l.table_name""",
        [since.publication],
    )
    return [
        Line(
            layer=schema,
            table=table,
            rows=int(total),
            inserted=int(inserted),
            updated=int(updated),
            unchanged=unchanged if unchanged is None else int(unchanged),
            deleted=int(deleted),
            seconds=seconds.get((schema, table)),
        )
        for schema, table, total, inserted, updated, deleted, unchanged in rows
    ]


def _script_seconds(session: Session, run_ids: Iterable[str]) -> dict[Table, float]:
    """Return how long scripts worked on each table of finance in the closes of these runs."""
    rows = session.execute(
        f"SELECT t.table_name, sum(t.seconds) FROM {platform_table('close_table')} t "
        f"JOIN {platform_table('close_log')} l ON l.close_id = t.close_id "
        "WHERE list_contains(?, l.build_id) GROUP BY t.table_name",
        [list(run_ids)],
    )
    return {(FINANCE, str(name)): float(seconds) for name, seconds in rows}


def model_seconds(settings: Settings, run_ids: Iterable[str]) -> dict[Table, float]:
    """Return how long dbt worked on each table in the runs, from what dbt itself wrote down."""
    totals: dict[Table, float] = {}
    for run_id in filter(None, run_ids):
        for path in (settings.home / "dbt" / "runs").glob(f"{run_id[:8]}-*/run_results.json"):
            for table, seconds in _results(path):
                totals[table] = totals.get(table, 0.0) + seconds
    return totals


def _results(path: Path) -> Iterable[tuple[Table, float]]:
    for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
        parts = (result.get("relation_name") or "").replace('"', "").split(".")
        if len(parts) == 3 and not result["unique_id"].startswith("test."):
            yield (parts[1], parts[2]), float(result["execution_time"])
