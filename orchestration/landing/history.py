"""The landed loads of an entity through time: what may be read, what is left over, what is too old.

Only a load with a manifest exists. Removal takes the manifest first, so that at no
moment a manifest can be read whose parts are gone; what a crash leaves then is a
folder without a manifest, which the next clean-up removes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from orchestration.failures import StrataError
from orchestration.landing.manifest import MANIFEST, Manifest, Mode, Place, decode_manifest, load_time
from orchestration.landing.store import LandingStore


def read_manifest(store: LandingStore, place: Place, load_id: str) -> Manifest:
    """Return one load's manifest; ``FileNotFoundError`` when it never committed or was removed."""
    return decode_manifest(store.read(place.load_prefix(load_id) + MANIFEST))


def committed_loads(store: LandingStore, place: Place, *, until: datetime | None = None) -> Iterator[Manifest]:
    """Yield the manifests of a place, oldest first; ``until`` leaves out loads that began later.

    A manifest says that a load landed, not that the warehouse took it: ask the ledger for that.
    """
    for load_id in store.folders(place.prefix):
        if until is None or load_time(load_id) <= until:
            with suppress(FileNotFoundError):
                yield read_manifest(store, place, load_id)


def verify(store: LandingStore, manifest: Manifest) -> None:
    """Compare every part with its checksum, before it is read again long after it landed.

    Raises:
        StrataError: a part is gone or was changed; names it.
    """
    for part in manifest.parts:
        try:
            with store.local_path(part.key).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            digest = ""
        if digest != part.sha256:
            fault = "differs from what landed" if digest else "is gone"
            raise StrataError(f"Landing: {part.key} {fault}.", "Restore it from a backup, or load from the source.")


def discard_orphans(store: LandingStore, place: Place, last_ledgered: str | None) -> list[str]:
    """Remove what crashed loads of a place left behind; call it holding the place's lock. Return their ids.

    ``last_ledgered`` is the id of the newest load of the place in the ledger: what is newer
    never made it there. Without any ledger entry loads with a manifest are kept: it is more
    likely that the warehouse was lost than that every load was.
    """
    newer = store.folders(place.prefix, after=last_ledgered or "")
    orphans = [load_id for load_id in newer if last_ledgered or not _mode(store, place, load_id)]
    for load_id in orphans:
        _remove(store, place, load_id)
    return orphans


def expire(store: LandingStore, place: Place, before: datetime) -> list[str]:
    """Remove the loads that no point in time from ``before`` on needs. Return their ids.

    The last full load before that moment is where such a rebuild begins: it stays, with all that came after it.
    """
    old = [load_id for load_id in store.folders(place.prefix) if load_time(load_id) < before]
    for position in reversed(range(len(old))):
        if _mode(store, place, old[position]) == "full":
            for load_id in old[:position]:
                _remove(store, place, load_id)
            return old[:position]
    return []


def places(store: LandingStore) -> Iterator[Place]:
    """Yield every place that has landed anything."""

    def below(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in store.folders("".join(f"{part}/" for part in parts)):
            yield (*parts, name)

    for tenant in below(()):
        for source in below(tenant):
            for connection in below(source):
                yield from (Place(*parts) for parts in below(connection))


def _mode(store: LandingStore, place: Place, load_id: str) -> Mode | None:
    """Return a load's mode; ``None`` when it has no manifest."""
    try:
        return read_manifest(store, place, load_id).mode
    except FileNotFoundError:
        return None


def _remove(store: LandingStore, place: Place, load_id: str) -> None:
    prefix = place.load_prefix(load_id)
    store.delete(prefix + MANIFEST)
    store.clear(prefix)
