"""Reads what is published, again and again, in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from close_house import CloseHouse

from orchestration.publication.published_reader import connect_published

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def _poll(folder: Path, stop: Any, told: Any) -> None:
    house, seen = CloseHouse(folder), []
    while not stop.is_set():
        with closing(connect_published(house.settings)) as con:
            rows = con.execute("SELECT _tenant_id, total FROM finance.total ORDER BY 1").fetchall()
        seen.append(tuple((tenant, str(total)) for tenant, total in rows))
    told.put(seen)


@contextmanager
def polled(folder: Path) -> Iterator[list[tuple[tuple[str, str], ...]]]:
    """Poll for the length of a block; after it the list holds what every look has seen, in order."""
    stop, told = _processes.Event(), _processes.Queue()
    process = _processes.Process(target=_poll, args=(folder, stop, told))
    process.start()
    seen: list[tuple[tuple[str, str], ...]] = []
    try:
        yield seen
    finally:
        stop.set()
        seen += told.get(timeout=60)
        process.join(60)
    assert process.exitcode == 0
