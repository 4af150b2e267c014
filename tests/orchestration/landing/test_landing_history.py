"""Which loads of a place may be read, which are left over, and which are too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from landing_bench import CONNECTION, batch, column, contract, land

from orchestration.landing.folder import FolderStore
from orchestration.landing.history import committed_loads, discard_orphans, expire, places, read_manifest
from orchestration.landing.manifest import Mode, Place, new_load_id

ORDERS = contract(column("note", "text"))
PLACE = Place.of(CONNECTION, ORDERS)
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def on(day: int) -> datetime:
    return DAY + timedelta(days=day)


def landed(store: FolderStore, day: int, mode: Mode = "full") -> str:
    return land(store, ORDERS, batch(id=[day], note=["x"]), mode=mode, load_id=new_load_id(on(day))).load_id


def test_committed_loads_come_in_the_order_of_time(store: FolderStore) -> None:
    ids = [landed(store, day) for day in (3, 1, 2)]
    store.draft(f"{PLACE.load_prefix(new_load_id(on(2)))}rows-00000.parquet").write_bytes(b"unfinished")
    found = [manifest.load_id for manifest in committed_loads(store, PLACE)]
    assert found == sorted(ids)
    assert [manifest.load_id for manifest in committed_loads(store, PLACE, until=on(2))] == sorted(ids)[:2]


def test_what_is_newer_than_the_ledger_is_an_orphan(store: FolderStore) -> None:
    old, known, unledgered = (landed(store, day) for day in (1, 2, 3))
    crashed = new_load_id(on(4))
    store.draft(f"{PLACE.load_prefix(crashed)}rows-00000.parquet").write_bytes(b"unfinished")
    assert discard_orphans(store, PLACE, known) == [unledgered, crashed]
    assert store.folders(PLACE.prefix) == [old, known]


def test_without_a_ledger_only_loads_without_a_manifest_are_orphans(store: FolderStore) -> None:
    kept = landed(store, 1)
    store.draft(f"{PLACE.load_prefix(new_load_id(on(2)))}rows-00000.parquet").write_bytes(b"unfinished")
    discard_orphans(store, PLACE, None)
    assert store.folders(PLACE.prefix) == [kept]


def test_retention_keeps_the_full_load_that_a_rebuild_begins_with(store: FolderStore) -> None:
    first, second, delta, base, change, late = (
        landed(store, day, mode) for day, mode in enumerate(["full", "full", "delta", "full", "delta", "delta"])
    )
    assert expire(store, PLACE, on(5)) == [first, second, delta]
    assert store.folders(PLACE.prefix) == [base, change, late]


def test_retention_keeps_everything_when_there_is_no_full_load_to_begin_with(store: FolderStore) -> None:
    ids = [landed(store, day, "delta") for day in range(3)]
    assert expire(store, PLACE, on(9)) == []
    assert store.folders(PLACE.prefix) == ids


def test_at_no_moment_can_a_manifest_be_read_whose_parts_are_gone(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed, _ = landed(store, 1), landed(store, 2)

    def dies(_prefix: str) -> None:
        raise OSError("killed")

    monkeypatch.setattr(store, "clear", dies)
    with pytest.raises(OSError, match="killed"):
        expire(store, PLACE, on(3))
    with pytest.raises(FileNotFoundError):
        read_manifest(store, PLACE, doomed)
    monkeypatch.undo()
    assert expire(store, PLACE, on(3)) == [doomed]


def test_places_are_found(store: FolderStore, tmp_path: Path) -> None:
    assert list(places(FolderStore(tmp_path / "nowhere"))) == []
    landed(store, 1)
    assert list(places(store)) == [PLACE]
