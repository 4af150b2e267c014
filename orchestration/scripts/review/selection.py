"""Finds the script that a person means, and the scripts whose tables it needs."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path, PurePath

from orchestration.failures import ScriptRefused, SettingsError
from orchestration.names import FINANCE, Table
from orchestration.scripts.checks_file import SUFFIX
from orchestration.scripts.close.plan import Plan, PlannedScript
from orchestration.scripts.outline import outline
from orchestration.scripts.source import FOLDER


def find_script(plan: Plan, wanted: str) -> PlannedScript | None:
    """Return a script by its name, its path, or a table that it builds; None when there is none."""
    asked = wanted.lower().removesuffix(SUFFIX).removesuffix(".sql")
    for item in plan.scripts:
        path = PurePath(FOLDER, item.name.lower()).with_suffix("")
        tables = [written for table in item.writes for written in (table[1], ".".join(table))]
        if PurePath(asked).parts[-len(path.parts) :] == path.parts or asked in (*_endings(path), *tables):
            return item
    return None


def script_named(plan: Plan, wanted: str) -> PlannedScript:
    """Return a script by its name, its path, or a table that it builds.

    Raises:
        SettingsError: there is none; says which names are near.
    """
    if found := find_script(plan, wanted):
        return found
    if Path(wanted).is_file():
        remedy = "Scripts are run from sql_scripts/financial/: move it there; `strata sql check` takes any path."
        raise SettingsError(f"{wanted} is none of the scripts of financial gold.", remedy)
    names = [PurePath(item.name).stem for item in plan.scripts]
    near = get_close_matches(PurePath(wanted).stem, names, cutoff=0.5) or names
    remedy = f"There is: {', '.join(near)}." if names else "Write one into sql_scripts/financial/."
    raise SettingsError(f"There is no script {wanted!r}.", remedy)


def needed(plan: Plan, asked: Collection[PlannedScript], *, with_checks: bool = False) -> list[PlannedScript]:
    """Return the scripts asked for and all whose tables they read, in the order in which they run.

    ``with_checks``: those too whose tables only the checks of the scripts asked for read.
    """
    owners = {table: item for item in plan.scripts for table in item.writes}
    found, open_ends = set(), list(asked)
    if with_checks:
        read = {table for item in asked for check in item.checks for table in outline(check.query).reads}
        open_ends += [owners[table] for table in read if table in owners]
    while open_ends:
        item = open_ends.pop()
        if item.name not in found:
            found.add(item.name)
            open_ends += [owners[table] for table in item.reads if table in owners]
    return [item for item in plan.scripts if item.name in found]


def require_built(plan: Plan, item: PlannedScript) -> None:
    """Refuse a script that reads a table of finance which no script builds.

    Raises:
        ScriptRefused: it does; names the table.
    """
    known: set[Table] = set(plan.tables)
    for table in (table for table in item.reads if table[0] == FINANCE and table not in known):
        near = get_close_matches(table[1], [name for _, name in known], n=1)
        remedy = f"There is {FINANCE}.{near[0]}." if near else "Check the name."
        raise ScriptRefused(f"{item.script.path}: no script builds {'.'.join(table)}, which it reads.", remedy)


def _endings(path: PurePath) -> list[str]:
    """Return what a path below the folder of scripts may be called: ``mrr``, ``revenue/mrr``."""
    parts = path.parts[1:]
    return ["/".join(parts[start:]) for start in range(len(parts))]
