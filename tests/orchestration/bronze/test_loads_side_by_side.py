"""Entities of one connection are read side by side, as many at once as the setting says, with one end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pyarrow as pa
import pytest
from bench import Bench
from shop_source import CONTRACT, Shop, ShopExtractor, ShopSource

from orchestration.contracts.extraction import Connection, Extractor, Window
from orchestration.contracts.model import Contract
from orchestration.settings import Settings

ENTITIES = ("a", "b", "c", "d", "e")


class Meeting(ShopExtractor):
    """Hands out a page when as many readers have met as the barrier asks for."""

    def __init__(self, shop: Shop, barrier: Barrier) -> None:
        super().__init__(shop)
        self.barrier = barrier

    def extract(self, contract: Contract, window: Window) -> Iterator[pa.RecordBatch]:
        self.barrier.wait(timeout=20)
        yield from super().extract(contract, window)


@dataclass(frozen=True)
class ManyEntities(ShopSource):
    """The shop's table under several names."""

    barrier: Barrier = Barrier(1)  # noqa: RUF009 - replaced by each test

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {name: replace(CONTRACT, entity=name) for name in ENTITIES}

    @contextmanager
    def connect(self, connection: Connection) -> Iterator[Extractor]:
        yield Meeting(Shop(self.folder / f"{connection.tenant}.sqlite"), self.barrier)


def bench_with(tmp_path: Path, settings: Settings, threads: int, readers: int) -> Bench:
    bench = Bench(tmp_path / "shop", settings.model_copy(update={"load_threads": threads}))
    bench.source = ManyEntities(
        name="shop", folder=bench.folder, description=bench.source.description, barrier=Barrier(readers)
    )
    for key in range(40):
        bench.shop().put(key)
    return bench


def test_two_entities_are_read_at_once_and_each_has_its_rows(tmp_path: Path, settings: Settings) -> None:
    bench = bench_with(tmp_path, settings, threads=2, readers=2)
    barrier, loaded = bench.source.barrier, []
    try:
        loaded = bench.load(entities=("a", "b", "c", "d"))
    except BrokenBarrierError:
        pytest.fail("the entities were read one after the other")
    assert barrier.broken is False
    assert [(result.entity, result.inserted) for result in sorted(loaded, key=lambda r: r.entity)] == [
        (name, 40) for name in "abcd"
    ]
    assert sorted(result.seq for result in loaded) == [1, 2, 3, 4]
    assert bench.query("SELECT count(*) FROM bronze_shop.c") == [(40,)]


def test_what_fails_beside_others_fails_alone(tmp_path: Path, settings: Settings) -> None:
    bench = bench_with(tmp_path, settings, threads=3, readers=1)
    bench.load()
    bench.shop().describe_as(id="bigint", status="bigint", amount="decimal(18,2)", updated_at="timestamp")
    assert {result.status for result in bench.load()} == {"failed"}
    bench.shop().describe_as()
    assert {result.status for result in bench.load()} == {"loaded"}
    assert bench.query("SELECT count(*) FROM strata.load_ledger") == [(15,)]
