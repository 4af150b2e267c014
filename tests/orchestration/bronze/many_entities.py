"""The shop's table under several names, so that several entities can be loaded at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench import Bench
from shop_source import ShopSource

from orchestration.contracts.model import Contract
from orchestration.settings import Settings


@dataclass(frozen=True)
class ManyEntities(ShopSource):
    """The shop with an entity for each of ``names``."""

    names: tuple[str, ...] = ()

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {name: replace(self.contract, entity=name) for name in self.names}


def bench_of(shop: Path, settings: Settings, names: tuple[str, ...]) -> Bench:
    """Return a bench whose source has these entities, all of one table."""
    bench = Bench(shop, settings)
    plain = bench.source
    bench.source = ManyEntities(
        name=plain.name,
        folder=plain.folder,
        description=plain.description,
        contract=plain.contract,
        names=names,
    )
    return bench
