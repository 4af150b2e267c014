"""Backups and restores that are killed at any step, and run again: nothing is lost, and nothing half done counts."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from installation import Installation, State
from killed import backup_killed_at, restore_killed_at

from orchestration.backup.inspection import inspect
from orchestration.backup.progress import silent
from orchestration.backup.restore import restore
from orchestration.backup.take import Wanted, back_up
from orchestration.failures import StrataError
from orchestration.warehouse.restoring import restore_mark

SAMPLE = 8


def steps(total: int, seed: int) -> list[int]:
    """Some of all steps, the last ones among them; all of them at night."""
    if os.environ.get("STRATA_NIGHTLY"):
        return list(range(1, total + 1))
    return sorted({*random.Random(seed).sample(range(1, total + 1), min(SAMPLE, total)), total})  # noqa: S311


@pytest.mark.timeout(1800)
def test_a_killed_backup_is_none_and_the_next_one_is_whole(installation: Installation, target: Path) -> None:
    installation.fill()
    before = installation.state()
    total = backup_killed_at(installation.home, target, 0)
    assert total > SAMPLE
    for step in steps(total, seed=1):
        assert backup_killed_at(installation.home, target, step) == 0
        for whole in target.glob("strata-*"):
            inspect(whole, silent)
    installation.sell(range(50, 55), minutes=10)
    installation.day("hourly")
    then = installation.state()
    assert then != before
    path = back_up(installation.settings, target).path
    assert list(target.glob(".strata-*")) == []
    assert not (installation.settings.scratch_dir / "backup").exists()
    installation.destroy()
    restore(installation.settings, path)
    assert installation.state() == then


@pytest.fixture
def two_states(installation: Installation, target: Path) -> tuple[Path, State, State, Path]:
    """A backup, its state, the state some loads later, and a copy of the home as it is then."""
    installation.fill()
    then = installation.state()
    path = back_up(installation.settings, target, Wanted(with_landing=True, with_secrets=True)).path
    installation.sell(range(40, 60), "paid", minutes=30)
    installation.day("hourly")
    installation.decide("later")
    later = installation.state()
    kept = installation.home.with_name("kept")
    shutil.copytree(installation.home, kept)
    return path, then, later, kept


@pytest.mark.timeout(1800)
def test_a_restore_killed_over_an_old_state_leaves_the_old_or_is_finished_by_the_next(
    installation: Installation, two_states: tuple[Path, State, State, Path]
) -> None:
    path, then, later, kept = two_states
    total = restore_killed_at(installation.home, path, 0)
    untouched = 0
    for step in steps(total, seed=2):
        installation.destroy()
        shutil.copytree(kept, installation.home)
        assert restore_killed_at(installation.home, path, step) == 0
        if restore_mark(installation.settings).exists():
            refused(installation)
        else:
            found = installation.state()
            assert found in (later, then)
            untouched += found == later
        restore(installation.settings, path, force=True)
        assert installation.state() == then, step
        assert nothing_is_lost(installation, kept), step
    assert untouched > 0


@pytest.mark.timeout(1800)
def test_a_restore_killed_in_an_empty_home_is_finished_by_the_next(
    installation: Installation, two_states: tuple[Path, State, State, Path]
) -> None:
    path, then, _, _ = two_states
    installation.destroy()
    total = restore_killed_at(installation.home, path, 0)
    for step in steps(total, seed=3):
        installation.destroy()
        assert restore_killed_at(installation.home, path, step) == 0
        if restore_mark(installation.settings).exists():
            refused(installation)
        if not restore_mark(installation.settings).exists() and installation.settings.warehouse_file.exists():
            assert installation.state() == then  # killed when all was done
        else:
            restore(installation.settings, path)
        assert installation.state() == then, step


def refused(installation: Installation) -> None:
    with pytest.raises(StrataError, match="restore was interrupted"), installation.warehouse.session("load"):
        pass


def nothing_is_lost(installation: Installation, kept: Path) -> bool:
    """Every file of the old state, byte for byte, is in the home or in what was moved aside."""
    held = {path.read_bytes() for path in installation.home.rglob("*") if path.is_file()}
    kinds = ("warehouse.duckdb", "control.db", "v*.parquet", "current.json", "pepper", "rows*", "manifest.json")
    return all(path.read_bytes() in held for kind in kinds for path in kept.rglob(kind))
