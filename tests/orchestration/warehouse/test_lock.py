"""Locks hold whether or not there is room for the note that says who has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestration.failures import Busy
from orchestration.warehouse.lock import held


def test_a_lock_holds_where_its_note_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "w.lock"
    (tmp_path / "w.holder.json").mkdir()
    with ThreadPoolExecutor(1) as another:
        with held(path, "a load", 1.0), pytest.raises(Busy, match="held by another process"):
            another.submit(take, path).result()
        another.submit(take, path).result()


def take(path: Path) -> None:
    with held(path, "another", 0.1):
        pass
