"""Restores: exactly the backup's moment, nothing deleted, and loads that go on from there."""

from __future__ import annotations

import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from installation import GOLD, Installation

from orchestration.backup import restore as restoring
from orchestration.backup.manifest import BackupManifest, read_backup
from orchestration.backup.progress import Progress
from orchestration.backup.restore import restore
from orchestration.backup.take import Wanted, back_up
from orchestration.bronze.backfill import backfill
from orchestration.bronze.request import load_lock
from orchestration.failures import Busy, SettingsError, StrataError
from orchestration.landing.manifest import Place
from orchestration.publication.pointer import read_pointer
from orchestration.publication.published_reader import connect_published
from orchestration.publication.status import builder_mark, read_status
from orchestration.warehouse import presence
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.lock import held

PLACE = Place("acme", "shop", "main", "invoice")


@pytest.fixture
def backed_up(installation: Installation, target: Path) -> Path:
    """A backup of the first day."""
    installation.fill()
    return back_up(installation.settings, target, Wanted(with_landing=True, with_secrets=True)).path


def test_a_destroyed_home_is_what_it_was_and_goes_on_to_what_it_would_be(
    installation: Installation, backed_up: Path, tmp_path: Path
) -> None:
    then = installation.state()
    shutil.copytree(installation.home, tmp_path / "never_destroyed")
    installation.sell(range(40, 60), "paid", minutes=30)
    installation.shop().remove(3)
    installation.day("hourly")
    installation.destroy()

    restore(installation.settings, backed_up)
    assert installation.state() == then

    installation.sell(range(55, 65), "paid", minutes=60)
    twin = Installation(
        installation.folder, installation.settings.model_copy(update={"home": tmp_path / "never_destroyed"})
    )
    for mode in ("hourly", "daily"):
        installation.day(mode)
        twin.day(mode)
        assert installation.bronze("id, status, amount") == twin.bronze("id, status, amount")
    assert [row[:2] for row in installation.bronze()] == installation.truth()
    assert installation.state()["gold.invoice_total"] == twin.state()["gold.invoice_total"]
    assert installation.state()["published gold.invoice_total"] == twin.state()["published gold.invoice_total"]


def test_status_is_that_of_the_restored_ledger(installation: Installation, backed_up: Path) -> None:
    installation.destroy()
    restore(installation.settings, backed_up)
    status = read_status(installation.settings)
    assert status is not None
    assert [(item.entity, item.status) for item in status.entities] == [("invoice", "loaded")]


def test_a_home_with_anything_in_it_is_refused(installation: Installation, backed_up: Path) -> None:
    before = installation.state()
    with pytest.raises(SettingsError, match="is not empty: it holds control, landing, published, warehouse") as refused:
        restore(installation.settings, backed_up)
    assert "--force" in refused.value.remedy
    assert installation.state() == before


def test_force_moves_the_old_state_aside_and_deletes_nothing(installation: Installation, backed_up: Path) -> None:
    then = installation.state()
    installation.sell(range(40, 60), "paid", minutes=30)
    installation.day("daily")
    installation.decide("later")
    later = installation.state()

    done = restore(installation.settings, backed_up, force=True)
    assert installation.state() == then

    before = done.aside
    assert before is not None
    for folder in ("warehouse", "control", "published", "landing"):
        shutil.copytree(before / folder, installation.home.parent / "undone" / folder)
    undone = Installation(
        installation.folder, installation.settings.model_copy(update={"home": installation.home.parent / "undone"})
    )
    assert undone.state() == later


def test_a_reader_finds_every_version_that_it_is_shown(installation: Installation, backed_up: Path) -> None:
    for number in range(3):
        installation.sell(range(60 + number, 90), "paid", minutes=30 + number)
        installation.day("daily")
    over, failures, seen = threading.Event(), [], set()

    def read() -> None:
        while not over.is_set():
            try:
                with connect_published(installation.settings) as con:
                    seen.add(con.execute("SELECT sum(invoices) FROM gold.invoice_total").fetchone())
            except Exception as error:  # noqa: BLE001 - whatever a reader may meet is what is looked for
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    restore(installation.settings, backed_up, force=True)
    over.set()
    reader.join()
    assert failures == []
    assert seen
    assert seen <= {(80,), (50,)}


def test_a_table_first_published_after_the_backup_is_published_no_more(
    installation: Installation, backed_up: Path
) -> None:
    folder = installation.settings.published_dir / "gold" / "newer"
    shutil.copytree(installation.settings.published_dir.joinpath(*GOLD), folder)
    restore(installation.settings, backed_up, force=True)
    assert read_pointer(installation.settings, ("gold", "newer")) is None


def test_the_log_and_the_pointers_agree_when_the_backup_lacked_a_version(
    installation: Installation, target: Path
) -> None:
    installation.fill()
    (installation.settings.published_dir.joinpath(*GOLD) / "v000001.parquet").unlink()
    path = back_up(installation.settings, target).path
    installation.destroy()
    restore(installation.settings, path)
    assert read_pointer(installation.settings, GOLD) is None


def test_loads_that_landed_after_the_backup_go_aside_and_are_read_again(
    installation: Installation, backed_up: Path
) -> None:
    installation.sell(range(50, 60), minutes=30)
    installation.day("hourly")
    newest = installation.landing.folders(PLACE.prefix)[-1]
    done = restore(installation.settings, backed_up, force=True)
    assert done.younger == (PLACE.load_prefix(newest),)
    assert done.aside is not None
    assert (done.aside / "landing" / done.younger[0] / "manifest.json").exists()
    installation.day("hourly")
    assert [row[:2] for row in installation.bronze()] == installation.truth()


def test_in_a_store_elsewhere_younger_loads_stay_until_the_next_load(
    installation: Installation, target: Path, tmp_path: Path
) -> None:
    elsewhere = installation.settings.model_copy(update={"landing_url": f"file://{tmp_path}/store"})
    apart = Installation(installation.folder, elsewhere)
    apart.fill()
    path = back_up(elsewhere, target).path
    apart.sell(range(50, 60), minutes=30)
    apart.day("hourly")
    apart.destroy()
    done = restore(elsewhere, path)
    assert (len(done.younger), done.younger_aside) == (1, False)
    assert done.landing.missing == ()
    apart.day("hourly")
    assert [row[:2] for row in apart.bronze()] == apart.truth()
    ledgered = {load_id for (load_id,) in apart.query("SELECT load_id FROM strata.load_ledger")}
    assert set(apart.landing.folders(PLACE.prefix)) == ledgered


def test_as_of_a_moment_that_was_undone_is_the_backups_own(installation: Installation, backed_up: Path) -> None:
    installation.sell(range(50, 60), minutes=30)
    installation.day("hourly")
    between = utc_now()
    restore(installation.settings, backed_up, force=True)
    installation.day("daily")
    backfill(installation.runtime, installation.source, between, who="test")
    assert installation.query("SELECT count(*) FROM bronze_shop_asof.invoice") == [(50,)]
    backfill(installation.runtime, installation.source, utc_now(), who="test")
    assert installation.query("SELECT count(*) FROM bronze_shop_asof.invoice") == [(60,)]


def test_landing_is_completed_from_the_backup(installation: Installation, backed_up: Path) -> None:
    installation.destroy()
    done = restore(installation.settings, backed_up, check_landing=True)
    assert (done.landing.put_back, done.landing.missing, done.landing.damaged) == (2, (), ())
    backfill(installation.runtime, installation.source, utc_now(), who="test")
    assert installation.query("SELECT count(*) FROM bronze_shop_asof.invoice") == [(50,)]


def test_missing_landing_is_told_and_loads_go_on(installation: Installation, target: Path) -> None:
    installation.fill()
    path = back_up(installation.settings, target).path
    installation.destroy()
    done = restore(installation.settings, path)
    assert len(done.landing.missing) == 1
    assert installation.landing.folders(PLACE.prefix) == []
    installation.sell(range(50, 60), minutes=30)
    installation.day("hourly")
    assert [row[:2] for row in installation.bronze()] == installation.truth()


@pytest.mark.parametrize("thorough", [False, True])
def test_landed_files_that_changed_are_told(installation: Installation, backed_up: Path, *, thorough: bool) -> None:
    (landed,) = (installation.home / "landing").rglob("*.parquet")
    landed.write_bytes(landed.read_bytes()[:-1] + (b"?" if thorough else b""))
    done = restore(installation.settings, backed_up, force=True, check_landing=thorough)
    assert [Path(key).name for key in done.landing.damaged] == [landed.name]


def test_secrets_come_back_for_their_owner_alone(installation: Installation, backed_up: Path) -> None:
    installation.destroy()
    assert restore(installation.settings, backed_up).missing_secrets == ()
    pepper = installation.home / "control" / "pepper"
    assert (pepper.read_text(), stat.S_IMODE(pepper.stat().st_mode)) == ("hot", 0o600)


def test_a_missing_secret_is_named(installation: Installation, target: Path) -> None:
    installation.fill()
    path = back_up(installation.settings, target).path
    installation.destroy()
    assert restore(installation.settings, path).missing_secrets == ("control/pepper",)


def test_a_secret_that_only_the_home_has_stays(installation: Installation, target: Path) -> None:
    installation.fill()
    path = back_up(installation.settings, target).path
    assert restore(installation.settings, path, force=True).missing_secrets == ()
    assert (installation.home / "control" / "pepper").read_text() == "hot"


def test_nothing_is_restored_while_the_warehouse_is_written(installation: Installation, backed_up: Path) -> None:
    refuse_while(installation, backed_up, lambda: installation.warehouse.exclusive("a build"), "a build")


def test_nothing_is_restored_while_a_load_reads_its_source(installation: Installation, backed_up: Path) -> None:
    lock = load_lock(installation.runtime, PLACE)
    refuse_while(installation, backed_up, lambda: held(lock, "load acme/shop/invoice", 1), "load acme/shop/invoice")


def refuse_while(installation: Installation, path: Path, at_work: Callable[[], object], who: str) -> None:
    busy, over = threading.Event(), threading.Event()

    def work() -> None:
        with at_work():
            busy.set()
            over.wait(20)

    worker = threading.Thread(target=work)
    worker.start()
    assert busy.wait(20)
    with pytest.raises(Busy, match=who):
        restore(installation.settings, path, force=True)
    over.set()
    worker.join()


def test_nothing_is_restored_while_a_build_is_between_two_steps(installation: Installation, backed_up: Path) -> None:
    mark = builder_mark(installation.settings, "warehouse")
    presence.appear(mark)
    try:
        with pytest.raises(Busy, match="warehouse build is running"):
            restore(installation.settings, backed_up, force=True)
    finally:
        presence.leave(mark)


def test_a_half_restored_home_takes_no_load_until_the_restore_is_run_again(
    installation: Installation, backed_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = installation.state()
    installation.destroy()

    def die(progress: Progress) -> None:
        if progress.step == "checking landing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(installation.settings, backed_up, on_progress=die)
    with pytest.raises(StrataError, match="restore was interrupted"), installation.warehouse.session("load"):
        pass
    assert restore(installation.settings, backed_up).resumed
    assert installation.state() == then


def forged(path: Path, **changes: object) -> None:
    manifest = read_backup(path)
    versions = msgspec.structs.replace(manifest.versions, **changes)
    rewritten: BackupManifest = msgspec.structs.replace(manifest, versions=versions)
    (path / "manifest.json").write_bytes(rewritten.encode())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"program": "99.0.0"}, "Strata 99.0.0"),
        ({"duckdb": "99.0.0"}, "DuckDB 99.0.0"),
        ({"platform": {"load_ledger": ["load_id", "mood"]}}, "strata.load_ledger with mood"),
        ({"control": "9999"}, "control plane 9999"),
    ],
)
def test_a_backup_of_a_newer_program_is_refused(
    installation: Installation, backed_up: Path, changes: dict[str, object], named: str
) -> None:
    installation.destroy()
    forged(backed_up, **changes)
    with pytest.raises(SettingsError, match=named):
        restore(installation.settings, backed_up)
    assert not installation.home.exists()


def test_a_person_who_names_the_folder_of_backups_is_told_their_names(
    installation: Installation, backed_up: Path
) -> None:
    with pytest.raises(StrataError, match="no whole backup") as refused:
        restore(installation.settings, backed_up.parent)
    assert backed_up.name in refused.value.remedy


def test_a_full_disk_is_told_before_anything_is_touched(
    installation: Installation, backed_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installation.state()

    def refuse(folder: Path, needed: int, purpose: str) -> None:
        raise StrataError(f"{purpose}: {folder} has no room for {needed}.")

    monkeypatch.setattr(restoring, "require_room", refuse)
    with pytest.raises(StrataError, match="has no room"):
        restore(installation.settings, backed_up, force=True)
    assert installation.state() == before
    assert not list(installation.home.glob("before-restore-*"))
