"""The product database's simulator: the world's truth, day by day, in a real PostgreSQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.failures import SettingsError
from source_systems._simulation import COMPOSITE_KEYS, Change, World
from source_systems.product import simulator

SEED, SIZE = 7, 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[simulator.Address]:
    address = simulator.start(tmp_path_factory.mktemp("product"))
    yield address
    simulator.stop(address)
    assert not simulator.is_running(address)


def url(address: simulator.Address, place: str) -> str:
    return simulator.settings_for(address, place)["url"]


def truth(tenant: str, days: int) -> dict[str, Counter[tuple[Any, ...]]]:
    world, tables = World(tenant, SEED, SIZE), defaultdict[str, dict[Any, dict[str, Any]]](dict)
    for number in range(days + 1):
        for change in world.day(number, "product") if number else world.initial("product"):
            key = tuple(change.row[name] for name in COMPOSITE_KEYS.get(change.table, ("id",)))
            if change.op == "delete":
                del tables[change.table][key]
            else:
                tables[change.table][key] = change.row
    return {table: Counter(canonical(row.values()) for row in rows.values()) for table, rows in tables.items()}


def stored(address: simulator.Address, place: str, table: str) -> Counter[tuple[Any, ...]]:
    columns = next(c.row for c in World(place, SEED, SIZE).initial("product") if c.table == table)
    with psycopg.connect(url(address, place)) as connection:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # type: ignore[arg-type]
    return Counter(map(canonical, rows))


def canonical(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value.normalize() if isinstance(value, Decimal) else value) for value in values)


def test_the_database_holds_the_worlds_truth(address: simulator.Address) -> None:
    for day in (0, 3, 8):
        simulator.bring_to(address, "truth", day, seed=SEED, size=SIZE)
        for table, rows in truth("truth", day).items():
            assert stored(address, "truth", table) == rows, (day, table)


def test_a_day_that_is_already_there_is_not_applied_again(address: simulator.Address) -> None:
    simulator.bring_to(address, "again", 2, seed=SEED, size=SIZE)
    before = stored(address, "again", "invoice")
    simulator.bring_to(address, "again", 1, seed=SEED, size=SIZE)
    simulator.bring_to(address, "again", 2, seed=SEED, size=SIZE)
    assert stored(address, "again", "invoice") == before


def test_a_day_that_breaks_off_leaves_no_trace(address: simulator.Address, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking(World):
        def day(self, number: int, system: Any = None) -> Iterator[Change]:
            yield from list(super().day(number, system))[:-1]
            raise InterruptedError

    simulator.bring_to(address, "crash", 1, seed=SEED, size=SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(simulator, "World", Breaking)
        with pytest.raises(InterruptedError):
            simulator.bring_to(address, "crash", 3, seed=SEED, size=SIZE)
    assert stored(address, "crash", "payment") == truth("crash", 1)["payment"]
    simulator.bring_to(address, "crash", 3, seed=SEED, size=SIZE)
    assert stored(address, "crash", "payment") == truth("crash", 3)["payment"]


def test_timestamps_are_the_present_and_late_rows_lie_within_a_quarter_of_an_hour(address: simulator.Address) -> None:
    simulator.bring_to(address, "clock", 0, seed=SEED, size=SIZE)
    simulator.bring_to(address, "clock", 5, seed=SEED, size=SIZE)
    recent = """
        SELECT count(*), count(DISTINCT updated_at), min(updated_at) > now() - interval '15 minutes' FROM usage_daily
        WHERE updated_at > now() - interval '20 minutes'
    """
    with psycopg.connect(url(address, "clock")) as connection:
        rows, moments, within = connection.execute(recent).fetchone() or (0, 0, False)
    assert rows > moments > 5  # equal timestamps, and late ones
    assert within


def test_another_worlds_settings_are_refused(address: simulator.Address) -> None:
    simulator.bring_to(address, "settled", 0, seed=SEED, size=SIZE)
    with pytest.raises(SettingsError, match="STRATA_WORLD_SIZE=20"):
        simulator.bring_to(address, "settled", 0, seed=SEED, size=SIZE + 1)


def test_the_reader_may_only_read(address: simulator.Address) -> None:
    simulator.bring_to(address, "reader", 0, seed=SEED, size=SIZE)
    with (
        psycopg.connect(url(address, "reader")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM invoice")


def test_a_second_start_finds_the_running_server(address: simulator.Address) -> None:
    again = simulator.start(Path(address["folder"]))
    assert again["port"] == address["port"]
    # The reader's password is new: whoever held the old address is asked for the new one.
    simulator.bring_to(again, "second", 0, seed=SEED, size=SIZE)
    with psycopg.connect(url(again, "second")) as connection:
        assert connection.execute("SELECT count(*) FROM customer").fetchone() != (0,)
