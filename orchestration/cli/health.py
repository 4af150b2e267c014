"""What ``strata doctor`` looks at: this machine, the settings, the state's folder, and each connection.

Each check says what it found and, when that is a fault, what to do. A check never
changes anything that lasts.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from orchestration.cli.drift_told import drifted_by_now
from orchestration.cli.registered import FORGOTTEN, REMEDY, forgotten
from orchestration.contracts.dbt_sources import render_sources, sources_path
from orchestration.contracts.dbt_sources_difference import source_differences
from orchestration.contracts.extraction import Check, Connection
from orchestration.contracts.source import SourceSystem
from orchestration.control.isolation import holes
from orchestration.failures import Busy, StrataError
from orchestration.full_disk import scarcity
from orchestration.publication.status import read_status
from orchestration.runtime import Runtime
from orchestration.settings import PROJECT, Settings
from orchestration.tenants import require_settings

_PIN = re.compile(r"^[A-Za-z0-9_.\[\]-]+==[^\\]+", re.MULTILINE)


def failed(name: str, error: StrataError) -> Check:
    """Turn an error into a finding."""
    return Check(name, ok=False, detail=error.message, remedy=error.remedy)


def environment(lock: Path = PROJECT / "requirements.lock") -> Iterator[Check]:
    """Check Python and the installed packages against the lock."""
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Check("Python", fits, version, "" if fits else "Use Python 3.11, 3.12 or 3.13.")
    differing = [text for text in map(_difference, _PIN.findall(lock.read_text(encoding="utf-8"))) if text]
    if differing:
        listed = ", ".join(differing[:5]) + (f" and {len(differing) - 5} more" if len(differing) > 5 else "")
        yield Check("packages", ok=False, detail=listed, remedy="Run `make run`: it installs requirements.lock.")
    else:
        yield Check("packages", ok=True, detail="as requirements.lock says")


def _difference(pin: str) -> str:
    """Say how an installed package differs from its pin; empty when it does not, or is not for this machine."""
    requirement = Requirement(pin.strip())
    if requirement.marker and not requirement.marker.evaluate():
        return ""
    wanted = str(requirement.specifier).removeprefix("==")
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} {wanted} is missing"
    return "" if installed == wanted else f"{requirement.name} is {installed}, not {wanted}"


def home(settings: Settings) -> Iterator[Check]:
    """Check the folder of the state and its disk: without them nothing else can be looked at."""
    yield _writable(settings)
    if settings.home.exists():
        scarce = scarcity(settings.home, settings.disk_warning_gb)
        remedy = "Make room, or point STRATA_HOME to a larger disk." if scarce else ""
        free = f"{shutil.disk_usage(settings.home).free / 1e9:,.1f} GB below {settings.home}"
        yield Check("free disk", not scarce, scarce or free, remedy)


def state(runtime: Runtime) -> Iterator[Check]:
    """Check the control plane, the warehouse and the landing store."""
    yield _control(runtime)
    yield from _warehouse(runtime)
    yield _landing(runtime)


def _writable(settings: Settings) -> Check:
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    if os.access(existing, os.W_OK):
        return Check("STRATA_HOME", ok=True, detail=str(settings.home))
    remedy = "Give this user write access, or set STRATA_HOME to a folder that it may write."
    return Check("STRATA_HOME", ok=False, detail=f"{existing} cannot be written", remedy=remedy)


def _control(runtime: Runtime) -> Check:
    """Look for holes between tenants that somebody made beside the migrations."""
    try:
        with runtime.control.reading() as connection:
            found = holes(connection)
    except StrataError as error:
        return failed("control plane", error)
    remedy = "Mend its schema: docs/operator/control-plane.md." if found else ""
    return Check("control plane", not found, " ".join(found) or runtime.control.place, remedy)


def _warehouse(runtime: Runtime) -> Iterator[Check]:
    path = runtime.settings.warehouse_file
    if runtime.warehouse.is_embedded and not path.exists():
        yield Check("warehouse", ok=True, detail=f"{path} is made by the first load")
        return
    try:
        with runtime.warehouse.session("strata doctor") as session:
            yield from session.inspect()
    except Busy as error:
        yield Check("warehouse", ok=True, detail=f"in use: {error.message}")
    except StrataError as error:
        yield failed("warehouse", error)


def _landing(runtime: Runtime) -> Check:
    where = runtime.settings.landing_url or str(runtime.settings.home / "landing")
    try:
        runtime.landing.folders("")
    except StrataError as error:
        return failed("landing", error)
    return Check("landing", ok=True, detail=where)


def sources(runtime: Runtime) -> Iterator[Check]:
    """Check that every source's description and contracts can be read."""
    for source in runtime.sources.values():
        yield from (failed(f"source {source.name}", fault) for fault in source.all_faults)
        if not source.all_faults:
            yield Check(f"source {source.name}", ok=True, detail=f"{len(source.contracts)} contracts")
            yield from _generated(source, runtime.settings)


def _generated(source: SourceSystem, settings: Settings) -> Iterator[Check]:
    """Check that dbt is told what the contracts say; a source that no model reads yet has no such file."""
    path = sources_path(settings.dbt_dir, source.name)
    differences = source_differences(path, render_sources(source)) if path.exists() else []
    if differences:
        remedy = "If the contracts are right, run: strata generate"
        yield Check(f"{path.parent.name}/{path.name}", ok=False, detail=f"{'; '.join(differences)}.", remedy=remedy)


def drift(runtime: Runtime) -> Iterator[Check]:
    """Tell of what sources have and contracts do not name: no fault, for it is loaded or held back as they say."""
    known = read_status(runtime.settings)
    for item in drifted_by_now(known.entities if known else ()):
        yield Check(item.entity, ok=True, detail=f"{item.note} {item.remedy}")


def leftovers(runtime: Runtime) -> Iterator[Check]:
    """Tell of connections that loaded into the warehouse once and are configured no more."""
    for label in forgotten(read_status(runtime.settings), runtime.tenants):
        yield Check(label, ok=False, detail=FORGOTTEN, remedy=REMEDY)


def connection(runtime: Runtime, source: SourceSystem, registered: Connection, *, offline: bool) -> Iterator[Check]:
    """Check one connection: its credentials, and, unless offline, what the source itself says."""
    yield from _credentials(source, registered)
    if offline:
        return
    try:
        with source.connect(runtime.resolve(registered)) as extractor:
            yield from (
                Check(f"{registered.label}: {check.name}", check.ok, check.detail, check.remedy)
                for check in extractor.checks()
            )
    except StrataError as error:
        yield failed(registered.label, error)


def _credentials(source: SourceSystem, registered: Connection) -> Iterator[Check]:
    """Check that files named by settings are there and that nobody else reads the secret ones; no value is shown."""
    name = f"{registered.label}: credentials"
    if registered.simulated:
        yield Check(name, ok=True, detail="simulated, none needed")
        return
    try:
        require_settings(registered, source)
    except StrataError as error:
        yield failed(name, error)
        return
    given = [setting.name for setting in source.description.settings if setting.name in registered.settings]
    yield Check(name, ok=True, detail=f"set: {', '.join(given) or 'none'}")
    for setting in source.description.settings:
        if setting.name.endswith("_file") and setting.name in registered.settings:
            private = setting.secret or "key" in setting.name
            yield _file(f"{registered.label}: {setting.name}", Path(registered.get(setting.name)), private=private)


def _file(name: str, path: Path, *, private: bool) -> Check:
    if not path.is_file():
        return Check(name, ok=False, detail=f"{path} is no file", remedy="Put it there, or mend the setting.")
    if private and path.stat().st_mode & 0o077:
        return Check(name, ok=False, detail=f"{path} can be read by others", remedy=f"Run: chmod 600 {path}")
    return Check(name, ok=True, detail=str(path))
