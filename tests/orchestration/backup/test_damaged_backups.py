"""One changed byte anywhere in a backup is found, told by the file's name, and nothing is touched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from installation import Installation

from orchestration.backup.manifest import MANIFEST, read_backup
from orchestration.backup.restore import restore
from orchestration.backup.take import Wanted, back_up
from orchestration.failures import StrataError


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.fixture
def backed_up(installation: Installation, target: Path) -> Path:
    installation.fill()
    path = back_up(installation.settings, target, Wanted(with_landing=True, with_secrets=True)).path
    installation.destroy()
    return path


def test_a_changed_byte_of_any_file_is_told_by_its_name(installation: Installation, backed_up: Path) -> None:
    rng = random.Random(20261121)  # noqa: S311 - a repeatable story, no secret
    files = [path for path in backed_up.rglob("*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        for position in (0, rng.randrange(path.stat().st_size), path.stat().st_size - 1):
            flip(path, position)
            with pytest.raises(StrataError) as refused:
                restore(installation.settings, backed_up)
            assert str(path) in refused.value.message
            flip(path, position)
    assert not installation.home.exists()
    restore(installation.settings, backed_up)


def test_any_byte_of_the_list_counts(backed_up: Path) -> None:
    path = backed_up / MANIFEST
    for position in range(0, path.stat().st_size, 11):
        flip(path, position)
        with pytest.raises(StrataError):
            read_backup(backed_up)
        flip(path, position)
    read_backup(backed_up)


def test_a_missing_file_is_told_by_its_name(installation: Installation, backed_up: Path) -> None:
    gone = backed_up / "warehouse" / "warehouse.duckdb"
    gone.unlink()
    with pytest.raises(StrataError, match=r"warehouse\.duckdb is missing"):
        restore(installation.settings, backed_up)
    assert not installation.home.exists()
