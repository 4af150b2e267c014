"""What a change of scripts does to their tables: both revisions run on the same data, and their tables compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.names import Table
from orchestration.runtime import Runtime
from orchestration.scripts.close.plan import Plan, PlannedScript
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.comparison import Built, compare
from orchestration.scripts.review.on_warehouse import elsewhere
from orchestration.scripts.review.revisions import plan_as_of
from orchestration.scripts.review.scratch import scratch
from orchestration.scripts.review.selection import find_script, needed, script_named
from orchestration.scripts.review.setting import Stage, scripts_folder, stage
from orchestration.scripts.review.table_difference import TableDifference
from orchestration.scripts.review.trial import Trial, Tried


@dataclass(frozen=True)
class Files:
    """Which scripts differ as text, by their paths below the folder; a renamed one builds the same tables."""

    changed: Sequence[str] = ()
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """What was found; ``faults`` are why a script could not be run, as of A and as of B.

    Scripts whose text is alike, and whose upstream scripts' text is, were not run: their tables cannot differ.
    """

    files: Files
    tables: Sequence[TableDifference]
    faults: tuple[Sequence[str], Sequence[str]]

    @property
    def is_changed(self) -> bool:
        """Whether a reader of the tables would see a difference, or nobody can say."""
        return any(self.faults) or any(table.is_changed for table in self.tables)


@dataclass(frozen=True)
class Question:
    """Both revisions (an empty one is the working tree), what is looked at, and how many rows of a kind are shown."""

    revisions: tuple[str, str]
    turn: Turn
    script: str = ""
    limit: int = 5


def differ(runtime: Runtime, question: Question) -> Difference:
    """Run what differs as of both revisions, in one session, and compare the tables.

    Raises:
        SettingsError: there is no such revision or script.
        Busy: somebody else held the warehouse for too long.
    """
    with TemporaryDirectory(prefix="strata-diff-") as folder:
        plans = [
            _plan(runtime, revision, Path(folder, side))
            for revision, side in zip(question.revisions, "ab", strict=True)
        ]
    files, chosen = _chosen(plans[0], plans[1], question.script)
    with (
        stage(runtime, "comparison of scripts") as here,
        scratch(here.session.con, "a") as a,
        scratch(here.session.con, "b") as b,
    ):
        tried = [_tried(here, plan, chosen, question.turn, place) for plan, place in zip(plans, (a, b), strict=True)]
        built = [_built(items, chosen, place) for items, place in zip(tried, (a, b), strict=True)]
        tables = [
            compare(here.session.con, table, built[0].get(table), built[1].get(table), question.limit)
            for table in dict.fromkeys((*built[0], *built[1]))
        ]
    faults = [[fault for item in items for fault in item.faults] for items in tried]
    return Difference(files, tables, (faults[0], faults[1]))


def _plan(runtime: Runtime, revision: str, into: Path) -> Plan:
    into.mkdir()
    return plan_as_of(scripts_folder(runtime), revision, into)


def _chosen(a: Plan, b: Plan, wanted: str) -> tuple[Files, set[str]]:
    """Return which files differ, and the scripts whose tables may: those, and all that read from them."""
    files = _files(a, b)
    moved = {*files.changed, *files.added, *files.removed, *files.renamed, *files.renamed.values()}
    affected = _readers(a, moved) | _readers(b, moved)
    if not wanted:
        return files, affected
    found = [item for plan in (a, b) if (item := find_script(plan, wanted))]
    if not found:
        script_named(b, wanted)
    tables = {table for item in found for table in item.writes}
    named = {item.name for plan in (a, b) for item in plan.scripts if tables & set(item.writes)}
    return files, named & affected


def _files(a: Plan, b: Plan) -> Files:
    texts_a, texts_b = ({item.name: item.script.text for item in plan.scripts} for plan in (a, b))
    owners = {table: item.name for item in a.scripts if item.name not in texts_b for table in item.writes}
    new = [item for item in b.scripts if item.name not in texts_a]
    renamed = {owners[item.writes[0]]: item.name for item in new if item.writes and item.writes[0] in owners}
    return Files(
        changed=[name for name, text in texts_b.items() if name in texts_a and texts_a[name] != text],
        added=[item.name for item in new if item.name not in renamed.values()],
        removed=[name for name in texts_a if name not in texts_b and name not in renamed],
        renamed=renamed,
    )


def _readers(plan: Plan, names: set[str]) -> set[str]:
    """Return the scripts of these names and all that read from them; a plan is in the order of reading."""
    tables: set[Table] = set()
    found = set()
    for item in plan.scripts:
        if item.name in names or tables & set(item.reads):
            found.add(item.name)
            tables.update(item.writes)
    return found


def _tried(here: Stage, plan: Plan, chosen: set[str], turn: Turn, place: str) -> list[Tried]:
    asked: list[PlannedScript] = [item for item in plan.scripts if item.name in chosen]
    with elsewhere(here.session, here.engine, turn) as there:
        trial = Trial(here.session, plan, turn, here.engine, place, server=there)
        return trial.run(needed(plan, asked), asked)


def _built(tried: Sequence[Tried], chosen: set[str], place: str) -> dict[Table, Built]:
    return {
        table: Built(place, columns)
        for item in tried
        if item.script.name in chosen
        for table, columns in item.tables.items()
    }
