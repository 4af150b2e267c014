"""Loads the shop once, in a process of its own: ``load_once.py SHOP HOME MODE DELETES``."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench
from shop_source import ShopExtractor

from orchestration.contracts.model import Deletes
from orchestration.settings import Settings


def main(shop: str, home: str, mode: str, deletes: str) -> None:
    ShopExtractor.batch_rows = 50
    bench = Bench(Path(shop), Settings(home=Path(home), lock_wait_seconds=60, _env_file=None))
    bench.contract(deletes=Deletes(deletes), sweep_every=timedelta(0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for result in bench.load(mode):
        sys.stdout.write(f"{result.status} {result.message}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
