"""Landing after a restore: what the restored ledger knows and the store lacks, and what only the store knows.

The store is completed from the backup as far as that reaches; nothing in it is ever replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from orchestration.backup.copying import copy, digest
from orchestration.backup.landed import LANDING_LIST, LandedLoad, read_list
from orchestration.backup.progress import OnProgress, counting
from orchestration.landing.folder import FolderStore
from orchestration.landing.history import places
from orchestration.landing.manifest import Manifest, Part, Place, decode_manifest
from orchestration.landing.store import LandingStore


@dataclass(frozen=True)
class Completed:
    """What was put back, and keys of files that are missing or not what landed."""

    put_back: int = 0
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Completion:
    """Landing of one installation and a backup; ``thorough`` reads every file, instead of looking for it alone."""

    store: LandingStore
    backup: Path
    tell: OnProgress
    thorough: bool = False

    def run(self) -> Completed:
        """Put back what the backup has, a load's manifest last, and say what is not as it landed."""
        loads = list(read_list(self.backup / LANDING_LIST))
        total = sum(part.bytes for load in loads for part in load.manifest.parts)
        on_bytes = counting(self.tell, "checking landing", total)
        put_back, missing, damaged = 0, list[str](), list[str]()
        for place, of_place in groupby(loads, key=lambda load: load.manifest.place):
            present = set(self.store.keys(place.prefix))
            for load in of_place:
                known = self._known(load, present)
                faults = {part.key: self._fault(part, present) for part in known.parts}
                put_back += self._complete(load, faults, present)
                missing += [key for key, fault in faults.items() if fault == "missing"]
                damaged += [key for key, fault in faults.items() if fault == "damaged"]
                on_bytes(sum(part.bytes for part in load.manifest.parts))
        return Completed(put_back, tuple(missing), tuple(damaged))

    def _known(self, load: LandedLoad, present: set[str]) -> Manifest:
        """Believe the store's own manifest: a person may have been erased from its files since the backup."""
        return decode_manifest(self.store.read(load.key)) if load.key in present else load.manifest

    def _fault(self, part: Part, present: set[str]) -> str:
        if part.key not in present:
            return "missing"
        whole = True
        if self.thorough:
            whole = digest(self.store.local_path(part.key)) == part.sha256
            self.store.release(part.key.rpartition("/")[0] + "/")
        elif isinstance(self.store, FolderStore):
            whole = self.store.local_path(part.key).stat().st_size == part.bytes
        return "" if whole else "damaged"

    def _complete(self, load: LandedLoad, faults: dict[str, str], present: set[str]) -> int:
        """Put a load's missing files back and take them off ``faults``; returns how many."""
        done = 0
        for key in [key for key, fault in faults.items() if fault == "missing"]:
            if (kept := self.backup / "landing" / key).exists():
                copy(kept, self.store.draft(key))
                self.store.land(key)
                faults[key], done = "", done + 1
        if load.key not in present and not any(faults.values()):
            self.store.put(load.key, load.content.encode())
            done += 1
        return done


def younger_loads(store: LandingStore, last_ledgered: Mapping[Place, str]) -> Iterator[str]:
    """Yield the prefixes of landed loads that a restored ledger is too old to know."""
    for place in places(store):
        for load_id in store.folders(place.prefix, after=last_ledgered.get(place, "")):
            yield place.load_prefix(load_id)
