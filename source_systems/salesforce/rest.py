"""Reading a query page by page through the REST API: right for small answers."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import requests

from source_systems.salesforce.org import Org
from source_systems.salesforce.refusals import Broken, Refused


class QueryPage(msgspec.Struct, rename="camel"):
    """One reply of ``query`` or ``queryAll``; the records stay as sent."""

    total_size: int
    done: bool
    records: list[msgspec.Raw] = []
    next_records_url: str | None = None
    body: bytes = b""


class TooLarge(Exception):
    """The answer is better read through the Bulk API: it is long, or takes too long to begin."""


_decoder = msgspec.json.Decoder(QueryPage)


def count(org: Org, query: str) -> int:
    """Return the answer of a ``SELECT COUNT()``."""
    return org.get("query/", read_page, params={"q": query}).total_size


def pages(org: Org, query: str, *, include_deleted: bool) -> Iterator[QueryPage]:
    """Yield the pages of a query.

    Raises:
        TooLarge: before the first page, when the answer has ``patience.bulk_from`` rows or
            more, or the query timed out.
        Broken: the pages do not add up to the number of rows that the first one announced.
    """
    resource = "queryAll/" if include_deleted else "query/"
    headers = {"Sforce-Query-Options": f"batchSize={org.patience.rest_page}"}
    try:
        page = org.get(resource, read_page, params={"q": query}, headers=headers)
    except Refused as error:
        if error.code != "QUERY_TIMEOUT":
            raise
        raise TooLarge from None
    if page.total_size >= org.patience.bulk_from:
        raise TooLarge
    announced, seen = page.total_size, len(page.records)
    yield page
    while not page.done:
        # The resource decides again whether deleted rows are seen: a locator alone does not carry it.
        locator = (page.next_records_url or "").rpartition("/")[2]
        page = org.get(resource + locator, read_page, headers=headers)
        seen += len(page.records)
        yield page
    if seen != announced:
        msg = f"the query announced {announced} rows and delivered {seen}"
        raise Broken(msg)


def read_page(reply: requests.Response) -> QueryPage:
    """Check that a reply is one whole page; its records are not decoded."""
    try:
        page = _decoder.decode(reply.content)
    except msgspec.DecodeError:
        msg = f"a page of {len(reply.content)} bytes is cut off or malformed"
        raise Broken(msg) from None
    page.body = reply.content
    return page
