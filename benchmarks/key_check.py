"""What a check of an API key costs: CPU for each, looks at what changed included, with 2,000 keys of 1,000 tenants.

Right, unknown, wrong and expired keys are checked in turn, in random order, at a rate of 1,000 in a second of the
ring's clock, so that one look falls on every 500 checks. The limit is 50 µs of CPU for the dearest kind. Beside it:
what a look costs by itself, when nothing changed and when something did.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from measurement import Run, figure, report
from prepared import FOLDER
from sqlalchemy import insert

from orchestration.control import Control, open_control, tables
from orchestration.control.key_form import digest_of, new_key
from orchestration.control.key_ring import LOOK_EVERY, KeyRefused, KeyRing
from orchestration.settings import Settings

LIMIT_SECONDS = 50e-6
PEPPER = b"the pepper of a benchmark, 32 bytes"
CHECKS = 40_000
RATE = 1_000
"""Checks in a second of the ring's clock."""


class Checks:
    """A control plane with its keys, and one of each kind to check."""

    def __init__(self, control: Control, tenants: int) -> None:
        """Fill the control plane with two keys for each tenant."""
        now = datetime.now(UTC)
        stamps = {"created_at": now, "created_by": "bench", "updated_at": now, "updated_by": "bench"}
        names = [f"tenant_{number}" for number in range(tenants)]
        drawn = [(name, *new_key()) for name in names for _ in range(2)]
        ends = {drawn[1][1]: now + timedelta(seconds=2)}
        keys = [
            {"tenant_id": name, "key_id": key_id, "principal_id": "api", "prefix": f"strata_{key_id}",
             "digest": digest_of(PEPPER, key).hex(), "scopes": ["read"], "expires_at": ends.get(key_id), **stamps}
            for name, key_id, key in drawn
        ]  # fmt: skip
        with control.transaction("bench") as connection:
            connection.execute(
                insert(tables.tenant),
                [{"tenant_id": name, "title": name, "state": "active", **stamps} for name in names],
            )
            api = {"principal_id": "api", "kind": "service", "title": "api", "permissions": ["read"]}
            connection.execute(insert(tables.principal), [{"tenant_id": name, **api, **stamps} for name in names])
            connection.execute(insert(tables.api_key), keys)
        right, expired = drawn[0][2], drawn[1][2]
        wrong = right[:-4] + ("AAAA" if right[-4:] != "AAAA" else "BBBB")
        self.kinds = {"right": right, "unknown": new_key()[1], "wrong secret": wrong, "expired": expired}


def main() -> None:
    """Fill a control plane, check keys of all kinds, and report each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    home = chosen.folder / "keys"
    shutil.rmtree(home, ignore_errors=True)
    control = open_control(Settings(home=home, _env_file=None))  # type: ignore[call-arg]
    checks = Checks(control, chosen.tenants)
    ticks = count()
    ring = KeyRing(control, PEPPER, lambda: next(ticks) / RATE)
    ring.check(checks.kinds["right"])
    time.sleep(2.1)  # until the key that expires has done so
    measured = [measure(ring, checks.kinds) for _ in range(chosen.rounds)]
    size = chosen.tenants * 2
    figures = []
    for kind in checks.kinds:
        runs = [round_[kind] for round_ in measured]
        seconds = statistics.median(run.cpu for run in runs) / CHECKS
        note = f"{seconds * 1e6:.1f} µs a check; asked: 50 µs"
        made = figure("Check of an API key", kind, size, runs, note=note, peer="the limit", limit=1.0)
        figures.append(replace(made, ratio=round(seconds / LIMIT_SECONDS, 2)))
    report(figures, chosen.out)
    print(f"A look without changes: {_cost(lambda: _look(ring)) * 1e6:.0f} µs of CPU, every {LOOK_EVERY:g} s at most.")
    print(f"A look that reads {size:,} keys again: {_cost(lambda: _read_again(ring), 10) * 1e3:.1f} ms.")


def measure(ring: KeyRing, kinds: dict[str, str]) -> dict[str, Run]:
    """Check blocks of each kind in random order, and add up the CPU of each; a check that is refused is one too."""
    blocks = [kind for kind in kinds for _ in range(CHECKS // 1_000)]
    random.shuffle(blocks)
    spent = dict.fromkeys(kinds, (0.0, 0.0))
    for kind in blocks:
        key, cpu, wall = kinds[kind], time.process_time(), time.perf_counter()
        for _ in range(1_000):
            with suppress(KeyRefused):
                ring.check(key)
        before = spent[kind]
        spent[kind] = (before[0] + time.process_time() - cpu, before[1] + time.perf_counter() - wall)
    return {kind: Run(cpu, wall, 0.0) for kind, (cpu, wall) in spent.items()}


def _cost(act: Callable[[], None], times: int = 200) -> float:
    started = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - started) / times


def _look(ring: KeyRing) -> None:
    ring._looked_at = -LOOK_EVERY  # noqa: SLF001 - as if half a second had passed
    ring._look()  # noqa: SLF001


def _read_again(ring: KeyRing) -> None:
    ring._sign = None  # noqa: SLF001 - as if something had changed
    _look(ring)


if __name__ == "__main__":
    main()
