"""Backups: one consistent moment of an installation that goes on running."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from installation import GOLD, Installation

from orchestration.backup.manifest import read_backup
from orchestration.backup.progress import Progress
from orchestration.backup.take import Wanted, back_up
from orchestration.failures import Busy, SettingsError, StrataError
from orchestration.publication import publish as publishing
from orchestration.publication.published_reader import connect_published
from orchestration.settings import Settings


def names(path: Path) -> set[str]:
    return {file.path for file in read_backup(path).files}


def test_a_backup_lists_everything_with_its_size_and_checksum(installation: Installation, target: Path) -> None:
    installation.fill()
    path = back_up(installation.settings, target).path
    assert names(path) == {
        "warehouse/warehouse.duckdb",
        "control/control.db",
        "published/gold/invoice_total/v000001.parquet",
        "published/gold/invoice_total/current.json",
        "landing/manifests.ndjson.zst",
    }
    assert names(path) | {"manifest.json"} == {
        file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()
    }
    assert all((path / file.path).stat().st_size == file.bytes for file in read_backup(path).files)


def test_only_its_owner_may_look_into_a_backup(installation: Installation, target: Path) -> None:
    installation.fill()
    assert stat.S_IMODE(back_up(installation.settings, target).path.stat().st_mode) == 0o700


def test_landed_files_and_secrets_come_along_when_asked_for(installation: Installation, target: Path) -> None:
    installation.fill()
    taken = back_up(installation.settings, target, Wanted(with_landing=True, with_secrets=True))
    landed = [name for name in names(taken.path) if name.startswith("landing/acme/")]
    assert len(landed) == taken.manifest.landing.files == 1
    assert stat.S_IMODE((taken.path / "control" / "pepper").stat().st_mode) == 0o600


def test_a_backup_names_the_secrets_it_does_not_hold(installation: Installation, target: Path) -> None:
    installation.fill()
    manifest = back_up(installation.settings, target).manifest
    assert (manifest.secrets, manifest.secrets_included) == (("control/pepper",), False)


def test_it_waits_for_a_writer_and_says_who_that_is(installation: Installation, target: Path) -> None:
    installation.fill()
    holding, told = threading.Event(), threading.Event()

    def write() -> None:
        with installation.warehouse.session("the nightly build") as session:
            holding.set()
            assert told.wait(20)
            session.execute("CREATE TABLE gold.late AS SELECT 1 AS one")

    steps: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        steps.append(progress)
        if progress.waiting:
            told.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert holding.wait(20)
    path = back_up(installation.settings, target, on_progress=on_progress).path
    writer.join()
    assert any(step.waiting and "the nightly build" in step.step for step in steps)
    with duckdb.connect(path / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        assert con.execute("SELECT * FROM gold.late").fetchall() == [(1,)]


def test_it_gives_up_when_a_writer_does_not_end(installation: Installation, target: Path) -> None:
    installation.fill()
    impatient = installation.settings.model_copy(update={"lock_wait_seconds": 0.1})
    holding, over = threading.Event(), threading.Event()

    def write() -> None:
        with installation.warehouse.exclusive("an endless build"):
            holding.set()
            over.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    assert holding.wait(20)
    with pytest.raises(Busy, match="an endless build"):
        back_up(impatient, target)
    over.set()
    writer.join()
    assert list(target.glob("strata-*")) == []


def test_readers_see_all_of_it_while_it_is_taken(installation: Installation, target: Path) -> None:
    installation.fill()
    seen = []

    def read(progress: Progress) -> None:
        with connect_published(installation.settings) as con:
            seen.append(con.execute("SELECT sum(invoices) FROM gold.invoice_total").fetchone())

    back_up(installation.settings, target, on_progress=read)
    assert len(seen) > 3
    assert set(seen) == {(50,)}


def test_a_version_that_is_deleted_meanwhile_is_in_the_backup(
    installation: Installation, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.fill()
    monkeypatch.setattr(publishing, "READERS_LEAVE_AFTER", timedelta(0))
    versions = installation.settings.published_dir / "gold" / "invoice_total"

    def publish_on(progress: Progress) -> None:
        if progress.step == "copying published versions" and not progress.done:
            for path in versions.glob("v*.parquet"):
                path.unlink()

    path = back_up(installation.settings, target, on_progress=publish_on).path
    assert "published/gold/invoice_total/v000001.parquet" in names(path)
    assert not (installation.settings.scratch_dir / "backup").exists()


def test_a_backup_is_as_of_one_moment(installation: Installation, target: Path) -> None:
    """What is loaded and decided once the warehouse is copied is in no part of it."""
    installation.fill()
    done = []

    def go_on(progress: Progress) -> None:
        if progress.step == "copying published versions" and not done:
            done.append(True)
            installation.sell(range(50, 60), minutes=5)
            installation.day("daily")
            installation.decide("later")

    taken = back_up(installation.settings, target, on_progress=go_on)
    assert taken.manifest.ledger_seq == 1
    assert taken.manifest.landing.loads == 1
    assert "published/gold/invoice_total/v000002.parquet" not in names(taken.path)
    pointer = (taken.path / "published" / "gold" / "invoice_total" / "current.json").read_text()
    assert '"version":1' in pointer


def test_older_backups_of_the_same_home_are_removed(installation: Installation, target: Path, tmp_path: Path) -> None:
    installation.fill()
    other = Installation(tmp_path / "other_shop", Settings(home=tmp_path / "other", _env_file=None))
    other.fill()
    foreign = back_up(other.settings, target).path
    first, second = (back_up(installation.settings, target).path for _ in range(2))
    half = first.rename(target / "strata-20000101T000000Z-00000000")
    (half / "manifest.json").unlink()
    third = back_up(installation.settings, target, Wanted(keep=1))
    assert third.removed == (second.name,)
    assert {path.name for path in target.glob("strata-*")} == {foreign.name, half.name, third.path.name}


def test_an_interrupted_backup_is_cleaned_up_and_is_none(installation: Installation, target: Path) -> None:
    installation.fill()

    def die(progress: Progress) -> None:
        if progress.step == "computing checksums":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(installation.settings, target, on_progress=die)
    (draft,) = target.glob(".strata-*")
    with pytest.raises(StrataError, match="no whole backup"):
        read_backup(draft)
    back_up(installation.settings, target)
    assert not draft.exists()


@pytest.mark.parametrize("folder", ["home", "home/backups"])
def test_a_folder_below_the_home_is_refused(installation: Installation, tmp_path: Path, folder: str) -> None:
    installation.fill()
    with pytest.raises(SettingsError, match="would be lost with it"):
        back_up(installation.settings, tmp_path / folder)


def test_an_empty_home_is_nothing_to_back_up(installation: Installation, target: Path) -> None:
    with pytest.raises(SettingsError, match="holds no installation"):
        back_up(installation.settings, target)
    assert not target.exists()


def test_a_damaged_landed_file_is_told_by_name(installation: Installation, target: Path) -> None:
    installation.fill()
    (landed,) = (installation.home / "landing").rglob("*.parquet")
    landed.write_bytes(landed.read_bytes()[:-1] + b"?")
    with pytest.raises(StrataError, match=landed.name):
        back_up(installation.settings, target, Wanted(with_landing=True))


def test_a_published_file_that_was_lost_is_told(installation: Installation, target: Path) -> None:
    installation.fill()
    (installation.settings.published_dir.joinpath(*GOLD) / "v000001.parquet").unlink()
    (fault,) = back_up(installation.settings, target).manifest.left_out
    assert "gold.invoice_total" in fault


def test_a_control_plane_on_a_server_is_left_to_its_own_means(installation: Installation, target: Path) -> None:
    installation.fill()
    on_server = Settings(
        home=installation.home, control_url="postgresql+psycopg://strata:hunter2@db/strata", _env_file=None
    )
    manifest = back_up(on_server, target).manifest
    assert "pg_dump" in manifest.left_out[0]
    assert "hunter2" not in manifest.encode().decode()
    assert all(file.path != "control/control.db" for file in manifest.files)
