"""Keeps Python's collector of cyclic garbage from a busy worker: what a delivery leaves is freed without it.

Thousands of deliveries are in memory at once, and going through all of them for every 700 new objects
took a sixth of a worker's time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (50_000, 20, 20)
"""After how many new objects it looks at the young, and after how many such rounds at older ones."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector run seldom, and look at nothing that is there already, until the block ends."""
    usual = gc.get_threshold()
    if usual == _SELDOM:  # another worker of this process sees to it
        yield
        return
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
