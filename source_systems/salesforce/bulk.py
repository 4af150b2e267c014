"""Reading a query through Bulk API 2.0: a job, then its results as CSV, part by part.

A part can be asked for again as long as the job exists, so a part that arrives cut off
is mended here. simple-salesforce would wait for a job for 24 hours; ours has a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
import requests
from pyarrow import csv

from orchestration.contracts.extraction import CsvPart
from orchestration.failures import StrataError
from source_systems.salesforce.org import Org, json_object
from source_systems.salesforce.refusals import Broken, Refused

_MOST_SECONDS_BETWEEN_POLLS = 10.0
_FAILED = ("Failed", "Aborted")


def parts(org: Org, query: str, fields: tuple[str, ...], *, include_deleted: bool) -> Iterator[CsvPart]:
    """Run a query as a job and yield its results; the job is removed when the last part was taken or nobody asks on.

    Raises:
        Broken: the job did not end in time, or its parts do not add up to what it processed.
        Refused: the query is wrong, or the job failed.
    """
    with _job(org, query, include_deleted=include_deleted) as path:
        processed = _wait(org, path)
        locator, seen = "", 0
        # The last part's locator is not absent but the text "null".
        while locator != "null":
            params = {"maxRecords": str(org.patience.bulk_part)} | ({"locator": locator} if locator else {})
            part, locator = org.get(f"{path}/results", _reader(fields), params=params, headers={"Accept": "text/csv"})
            seen += part.rows or 0
            if part.rows:
                yield part
        if seen != processed:
            msg = f"the job processed {processed} rows and delivered {seen}"
            raise Broken(msg)


@contextmanager
def _job(org: Org, query: str, *, include_deleted: bool) -> Iterator[str]:
    """Create a job and give its path; what is left of it afterwards is aborted and deleted."""
    operation = "queryAll" if include_deleted else "query"
    body = {
        "operation": operation,
        "query": query,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    path = f"jobs/query/{org.send('POST', 'jobs/query', body).json()['id']}"
    try:
        yield path
    except BaseException:
        _tidy_up(org, "PATCH", path, {"state": "Aborted"})
        raise
    finally:
        # Results would be kept seven days, against the org's limit of storage.
        _tidy_up(org, "DELETE", path, {})


def _tidy_up(org: Org, method: str, path: str, change: dict[str, str]) -> None:
    """Do what leaves no job behind; the rows are read by then, so failing at it is no failure."""
    with suppress(Refused, Broken, StrataError):
        org.send(method, path, change)


def _wait(org: Org, path: str) -> int:
    """Wait until the job is complete and return how many rows it processed."""
    deadline = time.monotonic() + org.patience.bulk_job
    pause = org.patience.bulk_poll
    while True:
        job = org.get(path, json_object)
        if job["state"] == "JobComplete":
            return int(job["numberRecordsProcessed"])
        if job["state"] in _FAILED:
            raise _job_failure(job)
        if time.monotonic() + pause > deadline:
            msg = f"the bulk job was still {job['state']} after {org.patience.bulk_job:.0f} s"
            raise Broken(msg)
        time.sleep(pause)
        pause = min(pause * 1.5, _MOST_SECONDS_BETWEEN_POLLS)


def _job_failure(job: dict[str, Any]) -> Refused:
    """Read ``CODE: text`` from a failed job."""
    code, _, text = str(job.get("errorMessage") or f"JOB_{job['state'].upper()}").partition(":")
    return Refused(code.strip(), text.strip() or "the bulk job did not complete")


def _reader(fields: tuple[str, ...]) -> Callable[[requests.Response], tuple[CsvPart, str]]:
    """Return a reader of one part of results, which must hold the rows that its header counts."""
    header = ",".join(f'"{name}"' for name in fields).encode()

    def read(reply: requests.Response) -> tuple[CsvPart, str]:
        rows = int(reply.headers["Sforce-NumberOfRecords"])
        body = _with_header(reply.content, header)
        if _count(body) != rows:
            msg = f"a part of bulk results does not hold the {rows} rows that it announces"
            raise Broken(msg)
        return CsvPart(body, rows), reply.headers.get("Sforce-Locator", "null")

    return read


def _with_header(body: bytes, header: bytes) -> bytes:
    """Give later parts a header line where the org sends it with the first part only."""
    first = body.partition(b"\n")[0].rstrip(b"\r")
    has_header = first.replace(b'"', b"") == header.replace(b'"', b"")
    return body if has_header else header + b"\n" + body


def _count(body: bytes) -> int:
    """Count the records, of which only the first column is read; -1 when the part is no whole CSV."""
    names = body.partition(b"\n")[0].decode().replace('"', "").split(",")
    try:
        table = csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(include_columns=names[:1], column_types={names[0]: pa.binary()}),
        )
    except pa.ArrowInvalid:
        return -1
    return int(table.num_rows) if body.endswith(b"\n") else -1
