"""``getDeleted`` and ``getUpdated``, with their real limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from aiohttp import web

from source_systems.salesforce.simulator.errors import ApiError, not_found
from source_systems.salesforce.simulator.records import Records, stored
from source_systems.salesforce.simulator.schema import SObject
from source_systems.salesforce.simulator.state import Org

_REACH = {"deleted": timedelta(days=15), "updated": timedelta(days=30)}
_MINUTE = timedelta(minutes=1)


async def changes(request: web.Request, org: Org) -> web.Response:
    """Return the ids that were deleted, or changed, between two minutes."""
    return await asyncio.to_thread(_changes, request, org)


def _changes(request: web.Request, org: Org) -> web.Response:
    feed = request.match_info["feed"]
    start, end = _window(request, _REACH[feed])
    with org.records() as records:
        sobject = records.objects.get(request.match_info["sobject"])
        if sobject is None:
            raise not_found()
        if not sobject.replicateable:
            raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"{sobject.name} is not replicateable")
        rows = _deleted(records, sobject, start, end) if feed == "deleted" else _updated(records, sobject, start, end)
    if len(rows) > org.switches.most_deleted_ids:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", "exceeded the limit of ids that can be returned")
    now = datetime.now(UTC)
    covered = min(end, now - timedelta(seconds=org.switches.replication_lag_seconds))
    answer: dict[str, object] = {"latestDateCovered": _shown(covered)}
    if feed == "updated":
        return web.json_response(answer | {"ids": [key for key, _ in rows]})
    answer["earliestDateAvailable"] = _shown(now - timedelta(days=org.switches.log_reach_days))
    answer["deletedRecords"] = [{"id": key, "deletedDate": f"{moment}.000+0000"} for key, moment in rows]
    return web.json_response(answer)


def _window(request: web.Request, reach: timedelta) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromisoformat(request.query[name]) for name in ("start", "end"))
        start, end = (moment.astimezone(UTC).replace(second=0, microsecond=0) for moment in (start, end))
    except (KeyError, ValueError):
        raise _bad_date("start and end must be dates with a time zone") from None
    if end - start <= _MINUTE:
        raise _bad_date("the end date must be more than one minute after the start date")
    if start < datetime.now(UTC) - reach:
        raise _bad_date(f"the start date may not be more than {reach.days} days ago")
    return start, end


def _deleted(records: Records, sobject: SObject, start: datetime, end: datetime) -> list[tuple[str, str]]:
    sql = "SELECT id, moment FROM deleted WHERE sobject = ? AND moment >= ? AND moment < ? ORDER BY moment, id"
    return records.connection.execute(sql, [sobject.name, stored(start), stored(end)]).fetchall()


def _updated(records: Records, sobject: SObject, start: datetime, end: datetime) -> list[tuple[str, str]]:
    sql = f'SELECT Id, SystemModstamp FROM "{sobject.name}" WHERE SystemModstamp >= ? AND SystemModstamp < ?'
    return records.connection.execute(sql, [stored(start), stored(end)]).fetchall()


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _bad_date(message: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", message)
