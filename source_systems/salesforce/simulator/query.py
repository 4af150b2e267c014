"""The resources ``query`` and ``queryAll``: pages of records, with locators."""

from __future__ import annotations

import asyncio
import secrets
from array import array

from aiohttp import web

from source_systems.salesforce.simulator.errors import ApiError, malformed_query
from source_systems.salesforce.simulator.rendering import columns_of, encoder, json_record
from source_systems.salesforce.simulator.soql import parse
from source_systems.salesforce.simulator.state import Cursor, Org

_MOST_CURSORS = 10
_LEAST, _MOST = 200, 2000


async def first_page(request: web.Request, org: Org) -> web.Response:
    """Run a query and return its first page."""
    text = request.query.get("q", "")
    if not text:
        raise malformed_query("A query string has to be specified")
    return await asyncio.to_thread(_run, org, text, request)


async def next_page(request: web.Request, org: Org) -> web.Response:
    """Return a further page of an open query."""
    name, _, place = request.match_info["locator"].rpartition("-")
    cursor = org.cursors.get(name)
    if cursor is None or not place.isdigit():
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return await asyncio.to_thread(_page, org, cursor, name, int(place), request)


def _run(org: Org, text: str, request: web.Request) -> web.Response:
    include_deleted = _includes_deleted(request)
    with org.records() as records:
        query = parse(text, records.objects)
        sql = query.sql("rowid", include_deleted=include_deleted)
        rows = array("q", (row[0] for row in records.connection.execute(sql, query.parameters)))
    if not query.fields:
        return _reply({"totalSize": len(rows), "done": True, "records": []})
    cursor, name = Cursor(query, rows, include_deleted), f"01g{secrets.token_hex(6)}"
    if len(rows) > _size(request):
        org.cursors[name] = cursor
        while len(org.cursors) > _MOST_CURSORS:
            org.cursors.pop(next(iter(org.cursors)))
    return _page(org, cursor, name, 0, request)


def _page(org: Org, cursor: Cursor, name: str, place: int, request: web.Request) -> web.Response:
    version, stop = request.match_info["version"], place + _size(request)
    answer = {
        "totalSize": len(cursor.rows),
        "done": stop >= len(cursor.rows),
        "records": _records(org, cursor, list(cursor.rows[place:stop]), version, deleted=_includes_deleted(request)),
    }
    if not answer["done"]:
        answer["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{stop}"
    return _reply(answer)


def _records(org: Org, cursor: Cursor, rows: list[int], version: str, *, deleted: bool) -> list[dict[str, object]]:
    """Read records by their row numbers; deleted ones only for ``queryAll``, whatever the locator came from."""
    query = cursor.query
    with org.records() as records:
        names = [name for name in columns_of(query.sobject, query.fields) if records.objects[query.sobject.name]]
        columns = ", ".join(f'"{name}"' for name in names)
        hidden = " AND IsDeleted = 0" if query.sobject.field("IsDeleted") and not deleted else ""
        sql = f'SELECT rowid, {columns} FROM "{query.sobject.name}" WHERE rowid IN ({",".join(map(str, rows))}){hidden}'
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in records.connection.execute(sql)}
    return [json_record(query.sobject, query.fields, found[row], version) for row in rows if row in found]


def _includes_deleted(request: web.Request) -> bool:
    return "/queryAll" in request.path


def _size(request: web.Request) -> int:
    options = request.headers.get("Sforce-Query-Options", "")
    wanted = options.removeprefix("batchSize=")
    return min(max(int(wanted), _LEAST), _MOST) if wanted.isdigit() else _MOST


def _reply(answer: dict[str, object]) -> web.Response:
    return web.Response(body=encoder.encode(answer), content_type="application/json")
