"""The dbt project as it is run: a snapshot of its files that parses, and the last good one when they do not.

The files are parsed once for each state of them, in a folder named by their hash, and
dbt runs from that folder: an edit never reaches a build half, and a model that does
not parse leaves the last good project running, with the fault told beside it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from orchestration.contracts.source import find_sources
from orchestration.definitions.transform.dbt_environment import dbt_environment
from orchestration.failures import TransformFailed
from orchestration.quality.masking import known_contracts
from orchestration.quality.personal import exposures
from orchestration.settings import Settings

_SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}
_GENERATED = {"target", "logs", "dbt_packages"}
_SERVER_MACROS = "server_macros"
"""Where in the project the macros of ``STRATA_DBT_MACROS`` are copied to."""
_KEPT_STATES = 5
_REMEDY = "Mend the model; the last good state keeps running."


@dataclass(frozen=True)
class DbtProject:
    """A parsed state of the project; ``folder`` is ``None`` when there never was a good one.

    ``fingerprint`` names the state that runs, ``fault`` says why it is not the newest.
    """

    folder: Path | None
    fingerprint: str
    fault: str = ""

    @property
    def manifest(self) -> Path | None:
        """The manifest that Dagster's assets are made from."""
        return self.folder / "target" / "manifest.json" if self.folder else None


def read_project(settings: Settings) -> DbtProject:
    """Return the project to run; starts ``dbt parse`` only when the files are new to this home."""
    return _parsed(settings, fingerprint(settings, _personal_columns(settings.sources_dir)))


def fingerprint(settings: Settings, personal: str = "") -> str:
    """Return a hash over the project's files, the engine, dbt's versions and what is said of personal columns."""
    versions = [version(name) for name in ("dbt-core", f"dbt-{settings.warehouse}")]
    digest = hashlib.sha256(" ".join([*versions, personal]).encode())
    for name, path in _project_files(settings).items():
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _personal_columns(sources_dir: Path) -> str:
    """Say which columns are personal, in which form: a new mark asks for a new look at every model."""
    contents = b"".join(path.read_bytes() for path in sorted(sources_dir.glob("*/contracts/*.yaml")))
    return _marks(sources_dir, hashlib.sha256(contents).hexdigest())


@cache
def _marks(sources_dir: Path, contents: str) -> str:  # noqa: ARG001 - the state that the cache keeps
    contracts = known_contracts(find_sources(sources_dir).values())
    marks = [(*contract.table, c.name, c.pii_form.value) for contract in contracts for c in contract.columns if c.pii]
    return json.dumps(sorted(marks))


def dbt_executable() -> str:
    """Return the dbt of this environment, whatever PATH says."""
    return str(Path(sys.executable).with_name("dbt"))


def _project_files(settings: Settings) -> dict[str, Path]:
    """Return the project's files by their place in it; macros for the server lie in a folder of their own."""
    files = {str(path.relative_to(settings.dbt_dir)): path for path in _files(settings.dbt_dir)}
    if settings.dbt_macros:
        files |= {f"{_SERVER_MACROS}/{path.name}": path for path in sorted(settings.dbt_macros.glob("*.sql"))}
    return files


def _files(dbt_dir: Path) -> Iterator[Path]:
    for path in sorted(dbt_dir.rglob("*")):
        if path.suffix in _SOURCE_SUFFIXES and not _GENERATED & set(path.relative_to(dbt_dir).parts):
            yield path


@cache
def _parsed(settings: Settings, state: str) -> DbtProject:
    states = settings.home / "dbt"
    folder, fault = states / state, states / f"{state}.fault"
    states.mkdir(parents=True, exist_ok=True)
    with FileLock(states / "parse.lock"):
        if not folder.exists() and not fault.exists():
            _parse(settings, folder, fault)
        if folder.exists():
            (states / "last_good").write_text(state, encoding="utf-8")
            _forget_old(states)
            return DbtProject(folder, state)
        return _last_good(states, fault.read_text(encoding="utf-8"))


def _last_good(states: Path, fault: str) -> DbtProject:
    pointer = states / "last_good"
    state = pointer.read_text(encoding="utf-8") if pointer.exists() else ""
    good = bool(state) and (states / state).exists()
    return DbtProject(states / state if good else None, state if good else "", fault)


def _parse(settings: Settings, folder: Path, fault: Path) -> None:
    """Parse a copy of the project; leave either the folder with its manifest, or the fault."""
    if shown := exposures(settings.dbt_dir, known_contracts(find_sources(settings.sources_dir).values())):
        told = TransformFailed(f"A model shows personal data: {' '.join(map(str, shown))}", _REMEDY)
        fault.write_text(str(told), encoding="utf-8")
        return
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    for name, path in _project_files(settings).items():
        copy = draft / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = [dbt_executable(), "--quiet", "parse", "--project-dir", ".", "--profiles-dir", "."]
    done = subprocess.run(  # noqa: S603  # our own dbt with fixed arguments
        command, cwd=draft, env=dbt_environment(settings), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode == 0:
        draft.replace(folder)
        return
    error = TransformFailed(_readable(done.stdout + done.stderr), _REMEDY)
    fault.write_text(str(error), encoding="utf-8")
    shutil.rmtree(draft, ignore_errors=True)


def _readable(output: str) -> str:
    """Keep dbt's own words from its first error on, without rules and blank lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip(" -")]
    first = next((number for number, line in enumerate(lines) if "Error" in line), 0)
    return "dbt cannot parse the project: " + " ".join(lines[first : first + 12])


def _forget_old(states: Path) -> None:
    folders = [path for path in states.iterdir() if (path / "target" / "manifest.json").exists()]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT_STATES:]:
        shutil.rmtree(path, ignore_errors=True)
