"""Reads scripts as of a git revision, through git itself: committed text, or the working tree."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from orchestration.failures import SettingsError
from orchestration.scripts.close.plan import Plan, PlannedScript, read_plan

WORKING_TREE = ""


def read_range(text: str) -> tuple[str, str]:
    """Return both revisions of ``A..B``; without B it is the working tree, without A the newest commit.

    Raises:
        SettingsError: it is no such range.
    """
    first, dots, second = text.partition("..")
    if not dots or second.startswith(".") or text.startswith("-"):
        raise SettingsError(f"{text!r} is no range of revisions.", "Write A..B; main.. compares with the working tree.")
    return first or "HEAD", second


def plan_as_of(folder: Path, revision: str, into: Path) -> Plan:
    """Read the scripts below ``folder`` as they were; ``into`` is an empty folder for their text.

    Problems name a committed script as ``revision:path``.

    Raises:
        SettingsError: git is missing, the folder is in no repository, or there is no such revision.
    """
    if revision == WORKING_TREE:
        return read_plan(folder)
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    commit = _commit(folder, revision)
    inside = folder.resolve().relative_to(root.resolve()).as_posix()
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", f"{inside}/").decode()
    for name in (item for item in listed.split("\0") if item.endswith(".sql")):
        path = into / Path(name).relative_to(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_git(root, "show", f"{commit}:{name}"))
    plan = read_plan(into)
    return replace(plan, scripts=tuple(_told(item, f"{revision}:{inside}/{item.name}") for item in plan.scripts))


def _told(item: PlannedScript, name: str) -> PlannedScript:
    """Name a script's committed file in all that is said of it, not the copy that was read."""
    path = Path(name)
    problems = tuple(replace(problem, file=path) for problem in item.problems)
    return replace(item, script=replace(item.script, path=path), problems=problems)


def _commit(folder: Path, revision: str) -> str:
    try:
        return (
            _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            .decode()
            .strip()
        )
    except SettingsError:
        message = f"There is no revision {revision!r}."
        raise SettingsError(message, "See git log, or git fetch what is missing here.") from None


def _git(folder: Path, *arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise SettingsError("git is not on the path.", "Install it: strata sql diff reads revisions with it.")
    command = [program, "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - git, with a commit that it verified
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise SettingsError(
            f"git {arguments[0]}: {said[0] if said else 'failed'}.", "Run it in a clone of the repository."
        )
    return done.stdout
