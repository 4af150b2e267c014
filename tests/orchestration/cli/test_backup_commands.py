"""`strata backup` and `strata restore` as an operator types them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.runtime import open_runtime
from orchestration.warehouse.lock import held

Strata = Callable[..., Any]


@pytest.fixture
def filled(
    strata: Strata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_warehouse: Callable[[], dict[str, str]]
) -> Path:
    """A home of the test's own with a warehouse and a control plane, and nothing else."""
    home = tmp_path / "home"
    for name, value in new_warehouse().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STRATA_HOME", str(home))
    assert strata("warehouse", "apply").code == 0
    return home


def is_embedded() -> bool:
    return open_runtime().warehouse.is_embedded


def test_a_backup_is_restored_where_the_home_was_lost(strata: Strata, filled: Path, tmp_path: Path) -> None:
    taken = strata("backup", str(tmp_path / "backups"), "--json").document
    shutil.rmtree(filled)
    done = strata("restore", taken["path"], "--json")
    assert (done.code, done.document["backup_id"]) == (0, taken["backup_id"])
    assert strata("warehouse", "apply", "--dry-run", "--json").document["changes"] == []


def test_a_backup_says_what_it_did_and_how_long_writers_waited(strata: Strata, filled: Path, tmp_path: Path) -> None:
    answer = strata("backup", str(tmp_path / "backups"), "--keep", "3")
    assert answer.code == 0
    assert "Writers waited" in answer.out
    assert ("copying the warehouse" in answer.err) == is_embedded()
    assert ("BACKUP DATABASE" in answer.out) == (not is_embedded())


def test_a_home_that_is_not_empty_is_a_matter_of_settings(strata: Strata, filled: Path, tmp_path: Path) -> None:
    taken = strata("backup", str(tmp_path / "backups"), "--json").document
    answer = strata("restore", taken["path"], "--json")
    assert (answer.code, answer.document["error"]["class"]) == (3, "settings")
    forced = strata("restore", taken["path"], "--force")
    assert forced.code == 0
    assert "before-restore-" in forced.out
    assert "make these again" not in forced.out


def test_a_removal_that_was_undone_is_told_with_a_command_that_works(
    strata: Strata, filled: Path, tmp_path: Path
) -> None:
    add = ("tenant", "add", "initech", "--connection", "product=simulated", "--no-first-load")
    assert strata(*add).code == 0
    taken = strata("backup", str(tmp_path / "backups"), "--json").document
    assert strata("tenant", "remove", "initech", "--yes", "initech").code == 0
    told = strata("restore", taken["path"], "--force").out
    command = next(
        line for line in told.replace("\n", " ").split("strata ") if line.startswith("tenant remove initech")
    )
    assert strata(*command.split()[:5]).code == 0
    assert "initech" not in strata("tenant", "list").out


def test_a_backup_is_restored_to_another_home(strata: Strata, filled: Path, tmp_path: Path) -> None:
    taken = strata("backup", str(tmp_path / "backups"), "--json").document
    assert strata("restore", taken["path"], "--home", str(tmp_path / "elsewhere")).code == 0
    assert (tmp_path / "elsewhere" / "warehouse" / "warehouse.duckdb").exists() == is_embedded()


def test_a_restore_is_refused_while_somebody_is_at_work(strata: Strata, filled: Path, tmp_path: Path) -> None:
    taken = strata("backup", str(tmp_path / "backups"), "--json").document
    with held(filled / "locks" / "load-acme.lock", "load acme", 1):
        answer = strata("restore", taken["path"], "--force", "--json")
    assert answer.code == 4
    assert "load acme" in answer.document["error"]["message"]


def test_a_backup_where_nothing_is_installed_is_refused(
    strata: Strata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "nowhere"))
    answer = strata("backup", str(tmp_path / "backups"))
    assert answer.code == 3
    assert "STRATA_HOME" in answer.err
