"""What an org says of itself: versions, resources, objects, fields and limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from source_systems.salesforce.simulator.errors import not_found
from source_systems.salesforce.simulator.schema import SObject
from source_systems.salesforce.simulator.state import Org

_VERSIONS = ("58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0")


async def versions(request: web.Request) -> web.Response:  # noqa: ARG001 - needs no session
    """List the API versions that are served."""
    listed = [{"label": version, "url": f"/services/data/v{version}", "version": version} for version in _VERSIONS]
    return web.json_response(listed)


async def resources(request: web.Request, org: Org) -> web.Response:  # noqa: ARG001 - the same for all
    """List a version's resources."""
    version = request.match_info["version"]
    if version.removeprefix("v") not in _VERSIONS:
        raise not_found()
    names = ("sobjects", "query", "queryAll", "limits", "jobs")
    return web.json_response({name: f"/services/data/{version}/{name}" for name in names})


async def all_objects(request: web.Request, org: Org) -> web.Response:  # noqa: ARG001 - the same for all
    """List the org's objects."""
    known = await asyncio.to_thread(_objects, org)
    listed = [item.summary() for item in known.values()]
    return web.json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


async def one_object(request: web.Request, org: Org) -> web.Response:
    """Describe one object with its fields."""
    known = await asyncio.to_thread(_objects, org)
    found = known.get(request.match_info["sobject"])
    if found is None:
        raise not_found()
    return web.json_response(found.summary() | {"fields": [field.described() for field in found.fields]})


async def limits(request: web.Request, org: Org) -> web.Response:  # noqa: ARG001 - the same for all
    """List the org's limits."""
    most = org.switches.daily_requests
    return web.json_response(
        {
            "DailyApiRequests": {"Max": most, "Remaining": max(most - org.used, 0)},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000 - len(org.jobs)},
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
        }
    )


def _objects(org: Org) -> Mapping[str, SObject]:
    with org.records() as records:
        return records.objects
