"""Whatever comes, whoever looks when, whatever the clock does: every event is delivered once, in order, in time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from outbox_scene import START, Scene
from sqlalchemy import update

from orchestration.control.delivery_tables import delivery
from orchestration.delivery import registry
from orchestration.delivery.outbox import lanes, windows
from orchestration.delivery.outbox.cursor import CREATED, PUBLICATIONS, move, positions
from orchestration.delivery.outbox.enqueue import enqueue
from orchestration.delivery.outbox.wanted import Wanted
from orchestration.delivery.queue.claimed import Event
from orchestration.delivery.terms import SECOND, Terms
from orchestration.settings import load_settings

NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
PLACE, LANE = ("acme", "bills"), "gold.bill"


class Stream(RuleBasedStateMachine):
    """One registration for one table; versions come, time passes, somebody looks, deliveries end."""

    @initialize(
        quiet=st.sampled_from([0, 5, 60]), longest=st.sampled_from([60, 600]), largest=st.sampled_from([1, 3, 1000])
    )
    def begin(self, quiet: int, longest: int, largest: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.scene = Scene(load_settings(home=Path(self.folder.name) / "home", _env_file=None))
        self.scene.add_tenants()
        self.terms = Terms(quiet_seconds=quiet, longest_wait_seconds=longest, largest_batch=largest)
        self.scene.register(terms=self.terms)
        with self.scene.runtime.control.reading() as connection:
            (self.wish,) = registry.registrations(connection)
        self.now, self.versions, self.delivered = START, 0, list[str]()

    @rule(count=st.integers(1, 7))
    def versions_come(self, count: int) -> None:
        wanted = [self.version(self.versions + number) for number in range(1, count + 1)]
        self.versions += count
        self.look(wanted)

    @rule(seconds=st.sampled_from([1, 4, 30, 61, 700]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(seconds=st.sampled_from([-100_000, -30, 100_000]))
    def the_clock_jumps(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule()
    def somebody_looks(self) -> None:
        self.look([])
        for row in self.scene.deliveries(state="gathering"):
            assert row["first_event_at"] <= self.now < row["first_event_at"] + self.terms.longest_wait_seconds * SECOND

    @rule()
    def a_delivery_ends(self) -> None:
        self.end_one()

    @invariant()
    def every_event_is_in_one_delivery(self) -> None:
        if not hasattr(self, "scene"):
            return
        rows = self.scene.deliveries()
        carried = [row["delivery_id"] for row in self.scene.outbox()]
        assert len(carried) == self.versions
        assert {row["delivery_id"]: row["events"] for row in rows} == {name: carried.count(name) for name in carried}
        assert all(row["events"] <= max(self.terms.largest_batch, 1) for row in rows)
        states = [row["state"] for row in rows]
        assert states.count("ready") <= 1
        assert "ready" in states or "blocked" not in states

    def teardown(self) -> None:
        if not hasattr(self, "scene"):
            return
        self.now += 700 * SECOND  # longer than any window, wherever the clock stands
        self.look([])
        while self.end_one():
            pass
        rows = {row["delivery_id"]: row for row in self.scene.deliveries()}
        assert {row["state"] for row in rows.values()} <= {"delivered"}
        versions = [rows[name]["to_version"] for name in self.delivered]
        assert versions == sorted(versions), "an older version never follows a newer one"
        assert self.versions in versions or not self.versions
        self.folder.cleanup()

    def look(self, wanted: list[Wanted]) -> None:
        with self.scene.runtime.control.transaction("test") as connection:
            lanes.enter(connection)
            created = max(self.now, positions(connection)[CREATED] + 1)
            enqueue(connection, self.now, created, wanted)
            windows.close_due(connection, self.now)
            move(connection, {CREATED: created})

    def end_one(self) -> bool:
        out = self.scene.deliveries(state="ready")
        if out:
            name: str = out[0]["delivery_id"]
            with self.scene.runtime.control.transaction("test") as connection:
                final: Any = update(delivery).where(delivery.c.delivery_id == name).values(state="delivered")
                connection.execute(final)
                lanes.release_next(connection, self.now, PLACE, LANE)
            self.delivered.append(name)
        return bool(out)

    def version(self, number: int) -> Wanted:
        event = Event(f"gold.bill@{number}", "gold.rows.changed", "gold.bill", number, {}, self.now)
        return Wanted(self.wish, event, PUBLICATIONS, number)


TestAnyStream = Stream.TestCase
TestAnyStream.settings = settings(
    max_examples=400 if NIGHTLY else 10, stateful_step_count=40 if NIGHTLY else 20, deadline=None
)
