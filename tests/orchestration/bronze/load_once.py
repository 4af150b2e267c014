"""Loads the shop once, in a process of its own: ``load_once.py SHOP HOME MODE DELETES [ENTITY …]``.

Several entities are loaded side by side, each in a thread.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench
from many_entities import bench_of
from shop_source import ShopExtractor

from orchestration.contracts.model import Deletes
from orchestration.settings import Settings


def main(shop: str, home: str, mode: str, deletes: str, *names: str) -> None:
    ShopExtractor.batch_rows = 50
    settings = Settings(home=Path(home), lock_wait_seconds=60, load_threads=max(len(names), 1), _env_file=None)
    bench = bench_of(Path(shop), settings, names) if names else Bench(Path(shop), settings)
    bench.contract(deletes=Deletes(deletes), sweep_every=timedelta(0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for result in bench.load(mode):
        sys.stdout.write(f"{result.status} {result.message}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
