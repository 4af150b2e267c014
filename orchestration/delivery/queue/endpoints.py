"""Reads and writes the rows of endpoints: their breakers and their buckets of tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select, update

from orchestration.control.delivery_tables import endpoint
from orchestration.delivery.queue.breaker import Breaker
from orchestration.delivery.queue.rate import Bucket
from orchestration.delivery.queue.rows import Key, among, locked


@dataclass(frozen=True)
class EndpointState:
    """An endpoint's row."""

    breaker: Breaker
    bucket: Bucket


def read(connection: Connection, keys: Iterable[Key]) -> dict[Key, EndpointState]:
    """Read endpoints."""
    found = connection.execute(select(endpoint).where(among(endpoint, "endpoint_id", keys))).mappings()
    return {(row["tenant_id"], row["endpoint_id"]): state_of(row) for row in found}


def hold(connection: Connection, keys: Collection[Key], *, skip: bool) -> dict[Key, EndpointState]:
    """Read endpoints and hold their rows until the transaction ends, in one order for all who do."""
    if not keys:
        return {}
    statement = (
        select(endpoint)
        .where(among(endpoint, "endpoint_id", keys))
        .order_by(endpoint.c.tenant_id, endpoint.c.endpoint_id)
    )
    found = connection.execute(locked(statement, endpoint, skip=skip)).mappings()
    return {(row["tenant_id"], row["endpoint_id"]): state_of(row) for row in found}


def state_of(row: RowMapping) -> EndpointState:
    """Return what a row says."""
    return EndpointState(
        Breaker(row["failures"], row["failing_since"], row["open_until"], row["trips"]),
        Bucket(row["tokens"], row["tokens_at"]),
    )


def keep_breakers(connection: Connection, breakers: Mapping[Key, Breaker]) -> None:
    """Write breakers."""
    for key, breaker in sorted(breakers.items()):
        values = {
            "failures": breaker.failures,
            "failing_since": breaker.failing_since,
            "open_until": breaker.open_until,
            "trips": breaker.trips,
        }
        connection.execute(update(endpoint).where(among(endpoint, "endpoint_id", [key])).values(values))


def keep_bucket(connection: Connection, key: Key, bucket: Bucket) -> None:
    """Write the tokens that an endpoint has left."""
    values = {"tokens": bucket.tokens, "tokens_at": bucket.at}
    connection.execute(update(endpoint).where(among(endpoint, "endpoint_id", [key])).values(values))
