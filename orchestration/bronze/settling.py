"""Compares what many looks saw with bronze, all of an entity in one query, and records those that saw nothing new.

A sighting is idle when each of its rows is in bronze to the letter, the source counts as many
rows as bronze, nothing of the place waits in quarantine, and nobody loaded the place since the
look began. Such a load writes its ledger row and nothing else. All other sightings are given
back, for a regular load: that they are equal is proven here, that they differ is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from orchestration import names
from orchestration.arrow_values import integer_array, text_array
from orchestration.bronze import columns, ledger, rejects, statements, writing
from orchestration.bronze.applying import later
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.sighting import Sighting
from orchestration.contracts.model import Contract
from orchestration.landing.manifest import Place
from orchestration.names import quote
from orchestration.warehouse import apply
from orchestration.warehouse.clock import aware
from orchestration.warehouse.protocol import Session


def find_idle(session: Session, sightings: Sequence[Sighting]) -> dict[int, LoadResult]:
    """Return the ledger rows of those that are idle, by their number; call it in the transaction that records them."""
    (source,) = {sighting.draft.source for sighting in sightings}
    marks, waiting = ledger.read_marks(session, source), rejects.places_waiting(session, source)
    alike: dict[tuple[object, ...], dict[int, Sighting]] = defaultdict(dict)
    for number, sighting in enumerate(sightings):
        place = sighting.draft.place
        if marks.get(place) == sighting.mark and place not in waiting:
            schema = sighting.rows.schema if sighting.rows is not None else None
            alike[sighting.draft.entity, sighting.contract.columns, schema][number] = sighting
    idle: dict[int, LoadResult] = {}
    for group in alike.values():
        idle |= _idle_of(session, group)
    return idle


def not_moved(session: Session, sightings: Sequence[Sighting], idle: Mapping[int, LoadResult]) -> dict[int, LoadResult]:
    """Leave out places that others have loaded since they were compared; call it where nobody else records loads."""
    marks = ledger.read_marks(session, sightings[0].draft.source)
    return {number: result for number, result in idle.items() if marks.get(result.place) == sightings[number].mark}


def _idle_of(session: Session, group: dict[int, Sighting]) -> dict[int, LoadResult]:
    """Judge sightings of one entity whose rows have the same columns."""
    contract = next(iter(group.values())).contract
    if not apply.fits(session, contract):
        return {}
    cursors = _seen(session, contract, group)
    counted = {sighting.draft.place for sighting in group.values() if sighting.source_rows is not None}
    present = _count_present(session, contract, counted) if counted else {}
    return {
        number: _as_idle(sighting, cursors.get(number))
        for number, sighting in group.items()
        if (sighting.rows is None or number in cursors)
        and (sighting.source_rows is None or sighting.source_rows == present.get(sighting.draft.place, 0))
    }


def _as_idle(sighting: Sighting, cursor: datetime | None) -> LoadResult:
    """The watermark moves as it does for a regular load: never past the window's end."""
    until = sighting.draft.window_until
    seen = min(cursor, until) if cursor and until else None
    return replace(sighting.draft, watermark=later(sighting.mark.watermark, seen))


def _seen(session: Session, contract: Contract, group: dict[int, Sighting]) -> dict[int, datetime | None]:
    """Return the latest cursor of each sighting whose every row bronze has, once and to the letter."""
    rows = _stacked(group)
    if rows is None:
        return {}
    session.con.register("sighted", rows)
    session.con.execute(_typed(contract))
    cursor = f"b.{quote(contract.cursor)}" if contract.cursor else "NULL::TIMESTAMP"
    with writing.sighted(session, contract, "sighted_row"):
        found = session.execute(
            f"SELECT _number, max({cursor}) FROM sighted_row s LEFT JOIN {names.qualified(contract.table)} b "
            f"ON {_same(session, contract)} AND {_as_alive(contract)} "
            "GROUP BY _number HAVING count(DISTINCT b.rowid) = count(*)"
        )
    session.con.unregister("sighted")
    return {number: aware(latest) for number, latest in found}


def _typed(contract: Contract) -> str:
    """Name what was sighted in the contract's types."""
    values = ", ".join(f"TRY_CAST({quote(c.name)} AS {c.type.duckdb}) AS {quote(c.name)}" for c in contract.columns)
    own = ", ".join(map(quote, names.PLATFORM_KEY))
    return f"CREATE OR REPLACE TEMP VIEW sighted_row AS SELECT _number, {own}, {values} FROM sighted"


def _same(session: Session, contract: Contract) -> str:
    """SQL that is true for equal rows; a plain comparison of the key keeps the join a hash join."""
    key = [f"s.{quote(name)} = b.{quote(name)}" for name in (*names.PLATFORM_KEY, *contract.key)]
    if session.is_embedded:
        others = [column.name for column in contract.columns if column.name not in contract.key]
        return " AND ".join([*key, *(f"b.{quote(name)} IS NOT DISTINCT FROM s.{quote(name)}" for name in others)])
    return " AND ".join([*key, f"b.{quote(names.ROW_HASH)} = {columns.row_hash(contract, 's')}"])


def _as_alive(contract: Contract) -> str:
    """SQL that is true where bronze has a tombstone exactly for what the source marks as deleted."""
    flag = contract.soft_delete_column
    gone = f"coalesce(s.{quote(flag)}, false)" if flag else "false"
    return f"(b.{quote(names.DELETED_AT)} IS NOT NULL) = {gone}"


def _stacked(group: dict[int, Sighting]) -> pa.Table | None:
    """Put all rows below each other, each with its sighting's number and place."""
    tables = [(number, s, s.rows) for number, s in group.items() if s.rows is not None]
    if not tables:
        return None
    number = [number for number, _, rows in tables for _ in range(rows.num_rows)]
    tenant = [s.draft.tenant_id for _, s, rows in tables for _ in range(rows.num_rows)]
    connection = [s.draft.connection for _, s, rows in tables for _ in range(rows.num_rows)]
    return (
        pa.concat_tables([rows for _, _, rows in tables])
        .combine_chunks()
        .append_column("_number", integer_array(number))
        .append_column(names.TENANT, text_array(tenant))
        .append_column(names.CONNECTION, text_array(connection))
    )


def _count_present(session: Session, contract: Contract, places: Iterable[Place]) -> dict[Place, int]:
    """Count what the source counts too, of many places in one scan."""
    listed = list(places)
    session.con.register(
        "counted",
        pa.table(
            {
                names.TENANT: text_array([place.tenant for place in listed]),
                names.CONNECTION: text_array([place.connection for place in listed]),
            }
        ),
    )
    own = f"{quote(names.TENANT)}, {quote(names.CONNECTION)}"
    # A server has not what is registered here, and finds tenants by its index.
    among = (
        f"SEMI JOIN counted USING ({own})" if session.is_embedded else f"WHERE list_contains(?, {quote(names.TENANT)})"
    )
    found = session.execute(
        f"SELECT {own}, count(*) FILTER ({statements.present(contract)}) FROM {names.qualified(contract.table)} "
        f"{among} GROUP BY {own}",
        [] if session.is_embedded else [[place.tenant for place in listed]],
    )
    session.con.unregister("counted")
    return {Place(tenant, contract.source, connection, contract.entity): rows for tenant, connection, rows in found}
