"""The landed loads of an entity through time: what may be read, what is left over, what is too old.

Only a load with a manifest exists. Removal takes the manifest first, so that at no
moment a manifest can be read whose parts are gone; what a crash leaves then is a
folder without a manifest, which the next clean-up removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath

from orchestration.landing.manifest import MANIFEST, Manifest, Place, decode_manifest, load_id_of, load_time
from orchestration.landing.store import LandingStore


def load_ids(store: LandingStore, place: Place) -> dict[str, bool]:
    """Return the ids of all loads of a place, oldest first, and whether each has its manifest."""
    found: dict[str, bool] = {}
    for key in store.list(place.prefix):
        load_id = load_id_of(key, place)
        found[load_id] = found.get(load_id, False) or PurePosixPath(key).name == MANIFEST
    return dict(sorted(found.items()))


def read_manifest(store: LandingStore, place: Place, load_id: str) -> Manifest:
    """Return one load's manifest; ``FileNotFoundError`` when it never committed or was removed."""
    return decode_manifest(store.read(place.load_prefix(load_id) + MANIFEST))


def committed_loads(store: LandingStore, place: Place, *, until: datetime | None = None) -> Iterator[Manifest]:
    """Yield the manifests of a place, oldest first; ``until`` leaves out loads that began later.

    A manifest says that a load landed, not that the warehouse took it: ask the ledger for that.
    """
    for load_id, committed in load_ids(store, place).items():
        if committed and (until is None or load_time(load_id) <= until):
            yield read_manifest(store, place, load_id)


def discard_orphans(store: LandingStore, place: Place, last_ledgered: str | None) -> list[str]:
    """Remove what crashed loads of a place left behind; call it holding the place's lock. Return their ids.

    ``last_ledgered`` is the id of the newest load of the place in the ledger. A load without a
    manifest is an orphan; one with a manifest is an orphan when it is newer than that. Without
    any ledger entry landed loads are kept: more likely the warehouse was lost than every load.
    """
    orphans = [
        load_id
        for load_id, committed in load_ids(store, place).items()
        if not committed or (last_ledgered is not None and load_id > last_ledgered)
    ]
    for load_id in orphans:
        _remove(store, place, load_id)
    return orphans


def expire(store: LandingStore, place: Place, before: datetime) -> list[str]:
    """Remove the loads that no point in time from ``before`` on needs. Return their ids.

    The last full load before that moment, and what came after it, is where a rebuild begins: they stay.
    """
    old = [load_id for load_id in load_ids(store, place) if load_time(load_id) < before]
    base = _last_full(store, place, old)
    removed = [load_id for load_id in old if base is None or load_id < base]
    for load_id in removed if base is not None else ():
        _remove(store, place, load_id)
    return removed if base is not None else []


def places(store: LandingStore) -> Iterator[Place]:
    """Yield every place that has landed anything."""
    yield from sorted({Place(*PurePosixPath(key).parts[:4]) for key in store.list("")})


def _last_full(store: LandingStore, place: Place, ids: Iterable[str]) -> str | None:
    committed = load_ids(store, place)
    for load_id in reversed(list(ids)):
        if committed[load_id] and read_manifest(store, place, load_id).mode == "full":
            return load_id
    return None


def _remove(store: LandingStore, place: Place, load_id: str) -> None:
    prefix = place.load_prefix(load_id)
    store.delete(prefix + MANIFEST)
    store.clear(prefix)
