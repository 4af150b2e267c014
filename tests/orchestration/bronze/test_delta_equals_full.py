"""For any history of a source, deltas and full loads end in the same live rows, and every row is accounted for.

Two installations read the same source: one by deltas, each applied up to three times,
the other by full loads alone. The history has inserts, updates, hard and soft deletes,
restored rows, late and equal timestamps, rejected rows, conflicting and identical
duplicates, older versions arriving later, and mended rows replayed from quarantine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_source import at

from orchestration.bronze import extraction, request
from orchestration.bronze.quarantine import list_rejects, replay
from orchestration.contracts.model import Deletes
from orchestration.settings import Settings

EXAMPLES = int(os.environ.get("STRATA_EXAMPLES", "400")) if os.environ.get("STRATA_NIGHTLY") else 5
LATEST_LATENESS = 10

keys = st.integers(1, 4)
tenants = st.sampled_from(["acme", "globex"])
amounts = st.sampled_from(["1.00", "2.00", "3.00"])
lateness = st.sampled_from([0, 0, 0, 1, LATEST_LATENESS])
events = st.one_of(
    st.tuples(st.just("write"), tenants, keys, st.sampled_from(["open", "paid", "open", "bad"]), amounts, lateness),
    st.tuples(st.just("append"), tenants, keys, st.sampled_from(["open", "paid", "bad"]), amounts, lateness),
    st.tuples(st.just("soft delete"), tenants, keys, amounts),
    st.tuples(st.just("hard delete"), tenants, keys),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 40])),
    st.tuples(st.just("replay"), tenants, keys),
    st.tuples(st.just("load"), st.integers(1, 3)),
)


@dataclass
class World:
    """The source, its clock in minutes, and the two installations that read it."""

    folder: Path
    deletes: Deletes
    soft_delete_column: str | None
    clock: int = 0
    benches: list[Bench] = field(default_factory=list)
    latest: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("delta", "full"):
            bench = Bench(self.folder / "shop", Settings(home=self.folder / name, _env_file=None), ("acme", "globex"))
            bench.contract(deletes=self.deletes, soft_delete_column=self.soft_delete_column, sweep_every=timedelta(0))
            self.benches.append(bench)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep both warehouses open, for speed: sessions are re-entrant."""
        with self.benches[0].warehouse.session("test"), self.benches[1].warehouse.session("test"):
            yield

    def now(self) -> datetime:
        return at(self.clock).replace(tzinfo=UTC)

    def happen(self, kind: str, *facts: object) -> None:
        getattr(self, kind.replace(" ", "_"))(*facts)

    def write(self, tenant: str, key: int, status: str, amount: str, late: int) -> None:
        # A row's own cursor never goes back; only rows of different keys, and added versions, come late.
        self.latest[tenant, key] = max(self.clock - late, self.latest.get((tenant, key), -LATEST_LATENESS))
        self.benches[0].shop(tenant).put(key, status, amount, self.latest[tenant, key])

    def append(self, tenant: str, key: int, status: str, amount: str, late: int) -> None:
        self.latest[tenant, key] = max(self.clock - late, self.latest.get((tenant, key), self.clock - late))
        self.benches[0].shop(tenant).add(key, status, amount, self.clock - late)

    def soft_delete(self, tenant: str, key: int, amount: str) -> None:
        self.latest[tenant, key] = self.clock
        self.benches[0].shop(tenant).put(key, "open", amount, self.clock, gone=True)

    def hard_delete(self, tenant: str, key: int) -> None:
        self.benches[0].shop(tenant).remove(key)
        self.benches[0].shop(tenant).report_deleted(key, self.clock)

    def wait(self, minutes: int) -> None:
        # Nothing may be late beyond the overlap, so what happened is loaded before much time goes by.
        if minutes > 1:
            self.load(1)
        self.clock += minutes

    def replay(self, tenant: str, key: int) -> None:
        """Mend the open entries of a key alike in both installations."""
        self.load(1)
        for bench in self.benches:
            entries = [e for e in list_rejects(bench.runtime, tenant=tenant) if e.key == f'{{"id":"{key}"}}']
            if len(entries) == 1:
                replay(
                    bench.runtime,
                    [entries[0].quarantine_id],
                    mended={entries[0].quarantine_id: {"status": "paid"}},
                    who="t",
                )
        self.compare()

    def load(self, times: int) -> None:
        delta, full = self.benches
        for _ in range(times):
            results = delta.load("hourly", force_reason="sure")
            assert {result.status for result in results} == {"loaded"}, results
        assert {result.status for result in full.load("daily", force_reason="sure")} == {"loaded"}
        before = self.content(delta)
        assert not any(result.changed for result in delta.load("hourly", force_reason="sure"))
        assert self.content(delta) == before
        self.compare()

    def compare(self) -> None:
        delta, full = self.benches
        for tenant in ("acme", "globex"):
            rows = [bench.bronze("id, status, amount, updated_at", tenant) for bench in (delta, full)]
            assert rows[0] == rows[1]

    def content(self, bench: Bench) -> list[tuple]:
        tables = ("bronze_shop.invoice", "strata.quarantine")
        return [row for table in tables for row in bench.query(f"SELECT * FROM {table} ORDER BY ALL")]


@pytest.mark.parametrize(
    ("deletes", "soft_delete_column"),
    [(Deletes.FEED, "is_deleted"), (Deletes.SWEEP, "is_deleted"), (Deletes.FEED, None)],
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(events, min_size=3, max_size=9))
def test_deltas_and_full_loads_end_in_the_same_rows(
    deletes: Deletes, soft_delete_column: str | None, history: list[tuple[object, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        world = World(Path(folder), deletes, soft_delete_column)
        for module in (request, extraction):
            patch.setattr(module, "utc_now", world.now)
        with world.open():
            world.load(1)
            for event in history:
                world.happen(*event)
            world.load(2)
