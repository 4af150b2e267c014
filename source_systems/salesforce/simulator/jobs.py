"""Bulk API 2.0 query jobs: create, poll, read results by locator, abort, delete."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import UTC, datetime

from aiohttp import web

from source_systems.salesforce.simulator.errors import ApiError, not_found
from source_systems.salesforce.simulator.jobs_state import Job
from source_systems.salesforce.simulator.rendering import csv_record
from source_systems.salesforce.simulator.schema import COMPOUND
from source_systems.salesforce.simulator.soql import parse
from source_systems.salesforce.simulator.state import Org

_DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
_LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}
_running: set[asyncio.Task[None]] = set()


async def create(request: web.Request, org: Org) -> web.Response:
    """Take a job; its query is checked at once and run when the job is first asked for."""
    body = await request.json()
    job = Job(
        id=f"750{secrets.token_hex(6)}AAA",
        operation=body.get("operation", ""),
        query=body.get("query", ""),
        sobject="",
        version=request.match_info["version"],
        file=org.file.parent / "jobs" / secrets.token_hex(8),
        delimiter=_DELIMITERS[body.get("columnDelimiter", "COMMA")],
        line_end=_LINE_ENDS[body.get("lineEnding", "LF")],
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    )
    if job.operation not in ("query", "queryAll"):
        raise ApiError(400, "INVALIDOPERATION", f"operation '{job.operation}' is not supported")
    job.sobject = await asyncio.to_thread(_check, org, job.query)
    org.jobs[job.id] = job
    return web.json_response(_told(job))


async def look(request: web.Request, org: Org) -> web.Response:
    """Tell a job's state; the first look starts it, as a queue would sooner or later."""
    job = _job(request, org)
    told = _told(job)
    if job.state == "UploadComplete":
        job.state = "InProgress"
        task = asyncio.get_running_loop().create_task(_complete(org, job))
        _running.add(task)
        task.add_done_callback(_running.discard)
    return web.json_response(told)


async def change(request: web.Request, org: Org) -> web.Response:
    """Abort a job that is not complete."""
    job = _job(request, org)
    if (await request.json()).get("state") != "Aborted" or job.state not in ("UploadComplete", "InProgress"):
        raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be changed so")
    job.state = "Aborted"
    return web.json_response(_told(job))


async def delete(request: web.Request, org: Org) -> web.Response:
    """Remove a job that has ended, with its results."""
    job = _job(request, org)
    if job.state in ("UploadComplete", "InProgress"):
        raise ApiError(400, "INVALIDJOBSTATE", "a job that runs cannot be deleted")
    del org.jobs[job.id]
    job.file.unlink(missing_ok=True)
    return web.Response(status=204)


async def results(request: web.Request, org: Org) -> web.Response:
    """Return a part of the results; its locator is the text ``null`` when there is no further part."""
    job = _job(request, org)
    if job.state != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"results of a job in state {job.state} are not available")
    most = int(request.query.get("maxRecords", "50000"))
    first = _place(request.query.get("locator", ""))
    body, rows = await asyncio.to_thread(job.part, first, most)
    more = first + rows < len(job.ends)
    headers = {"Sforce-NumberOfRecords": str(rows), "Sforce-Locator": _locator(first + rows) if more else "null"}
    return web.Response(body=body, content_type="text/csv", charset="UTF-8", headers=headers)


def _check(org: Org, text: str) -> str:
    """Parse a job's query and refuse what the Bulk API cannot do; returns the object's name."""
    with org.records() as records:
        query = parse(text, records.objects)
    if not query.fields:
        raise ApiError(400, "INVALIDJOB", "Aggregate queries are not supported in Bulk Query")
    if any(field.type in COMPOUND for field in query.fields):
        raise ApiError(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    return query.sobject.name


async def _complete(org: Org, job: Job) -> None:
    try:
        await asyncio.to_thread(_run, org, job)
    except ApiError as error:
        job.state, job.error = "Failed", f"{error.code}: {error.message}"
    else:
        job.state = "JobComplete" if job.state == "InProgress" else job.state


def _run(org: Org, job: Job) -> None:
    """Write the results into the job's file, a record at a time."""
    job.file.parent.mkdir(exist_ok=True)
    with org.records() as records, job.file.open("wb") as file:
        query = parse(job.query, records.objects)
        columns = ", ".join(f'"{field.name}"' for field in query.fields)
        job.header = (job.delimiter.join(f'"{field.name}"' for field in query.fields) + job.line_end).encode()
        place = file.write(job.header)
        sql = query.sql(columns, include_deleted=job.operation == "queryAll")
        for row in records.connection.execute(sql, query.parameters):
            place += file.write(csv_record(query.fields, row, job.delimiter, job.line_end))
            job.ends.append(place)


def _job(request: web.Request, org: Org) -> Job:
    job = org.jobs.get(request.match_info["job"])
    if job is None:
        raise not_found()
    if job.version != request.match_info["version"]:
        raise ApiError(409, "INVALIDVERSION", f"the job was created with {job.version}")
    return job


def _told(job: Job) -> dict[str, object]:
    told: dict[str, object] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdDate": job.created,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version.removeprefix("v")),
        "lineEnding": next(name for name, end in _LINE_ENDS.items() if end == job.line_end),
        "columnDelimiter": next(name for name, mark in _DELIMITERS.items() if mark == job.delimiter),
    }
    if job.state == "JobComplete":
        told["numberRecordsProcessed"] = len(job.ends)
    return told | ({"errorMessage": job.error} if job.error else {})


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode()


def _place(locator: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(locator)) if locator else 0
    except ValueError:
        raise ApiError(400, "INVALIDQUERYLOCATOR", "invalid query locator") from None
