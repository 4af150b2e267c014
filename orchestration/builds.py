"""What a build of the warehouse has to do: which sources changed since the last one, and the log of builds.

The answer comes from the load ledger, in the warehouse; a build that was requested
twice, or late, finds the same truth as one that was requested once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

BuildKind = Literal["warehouse", "financial"]


@dataclass(frozen=True)
class Pending:
    """What changed in bronze since the last good build.

    ``first_seq`` is each changed source's first change, ``up_to_seq`` the ledger's end.
    ``all_models`` is set when the transformations themselves changed, or nothing was ever built.
    """

    up_to_seq: int
    first_seq: Mapping[str, int] = field(default_factory=dict)
    all_models: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The changed sources, by name."""
        return tuple(sorted(self.first_seq))

    def __bool__(self) -> bool:
        """Say whether there is anything to build."""
        return bool(self.first_seq) or self.all_models

    def built_up_to(self, covered: Collection[str]) -> int:
        """Return how far a build gets that covers only some of the changed sources."""
        missed = [seq for source, seq in self.first_seq.items() if source not in covered]
        return min(missed) - 1 if missed else self.up_to_seq


def pending(session: Session, project: str) -> Pending:
    """Return what the next warehouse build has to take in; ``project`` is the dbt project's fingerprint."""
    last = session.execute(
        f"SELECT up_to_seq, project FROM {platform_table('build_log')} "
        "WHERE kind = 'warehouse' AND status = 'succeeded' ORDER BY finished_at DESC LIMIT 1"
    )
    since, built = last[0] if last else (0, None)
    rows = session.execute(
        f"SELECT source, min(seq) FROM {platform_table('load_ledger')} "
        "WHERE seq > ? AND inserted + updated + deleted > 0 GROUP BY source",
        [since],
    )
    (end,) = session.execute(f"SELECT coalesce(max(seq), 0) FROM {platform_table('load_ledger')}")[0]
    return Pending(max(int(end), int(since)), {str(source): int(seq) for source, seq in rows}, built != project)


@dataclass(frozen=True)
class Build:
    """A build as it starts: how far in the ledger it gets, for which sources, with which state of the dbt project."""

    build_id: str
    kind: BuildKind
    up_to_seq: int
    sources: Collection[str] = ()
    project: str = ""


def begin(session: Session, build: Build) -> None:
    """Note that a build has started; a retry of the same build starts its row anew.

    Builds run one at a time, so an older one of its kind that still runs has died.
    """
    table = platform_table("build_log")
    with session.transaction():
        session.execute(f"DELETE FROM {table} WHERE build_id = ?", [build.build_id])
        session.execute(
            f"UPDATE {table} SET status = 'interrupted' WHERE kind = ? AND status = 'running'", [build.kind]
        )
        session.execute(
            f"INSERT INTO {table} (build_id, kind, up_to_seq, sources, status, started_at, project) "
            "VALUES (?, ?, ?, ?, 'running', ?, ?)",
            [
                build.build_id, build.kind, build.up_to_seq, ",".join(sorted(build.sources)), stored(utc_now()),
                build.project,
            ],
        )  # fmt: skip


def finish(session: Session, build_id: str, fault: str = "") -> None:
    """Note that a build has ended, well or with a fault."""
    session.execute(
        f"UPDATE {platform_table('build_log')} SET status = ?, finished_at = ?, message = ? WHERE build_id = ?",
        ["failed" if fault else "succeeded", stored(utc_now()), fault, build_id],
    )
