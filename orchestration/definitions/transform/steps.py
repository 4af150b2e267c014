"""What every step of the warehouse does alike: open the runtime, keep the build log, turn faults into retries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import dagster as dg

from orchestration import builds, names, telemetry
from orchestration.bronze.ledger import newest_trace
from orchestration.definitions.alerting import crash_subject, tell
from orchestration.definitions.outcome import Fault, may_retry, raise_for
from orchestration.definitions.specs import PUBLISHED
from orchestration.definitions.transform.lineage import downstream_models, table_keys
from orchestration.definitions.transform.project import DbtProject
from orchestration.failures import StrataError
from orchestration.full_disk import DiskFull, full_disk_told
from orchestration.names import GOLD, SILVER
from orchestration.publication.log import PublishedVersion
from orchestration.publication.publish import publish
from orchestration.publication.status import builder_mark, write_status
from orchestration.quality.expectations import Gate, read_expectations, rules_path
from orchestration.quality.verdicts import require_open
from orchestration.runtime import Runtime, open_runtime
from orchestration.warehouse import presence
from orchestration.warehouse.apply import apply
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

POOL = "warehouse"
"""One at a time: builds, gates, publication and financial scripts hold the warehouse long."""
JOB = "warehouse_build"
FINANCIAL_JOB = "financial_daily"

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


class BuildConfig(dg.Config):
    """``everything`` builds all models although nothing changed in bronze."""

    everything: bool = False


@dataclass(frozen=True)
class Step:
    """One op of a warehouse run with what it works on."""

    run: dg.DagsterRun
    runtime: Runtime
    project: DbtProject

    @property
    def build_id(self) -> str:
        """The build's name in the warehouse's own tables: the Dagster run."""
        return self.run.run_id

    @property
    def is_build(self) -> bool:
        """Whether the build job runs, or a person materialises something by hand."""
        return self.run.job_name == JOB

    def trace(self) -> str:
        """Return the trace that a build goes on with: that of the newest load that changed rows."""
        if not telemetry.is_on():
            return ""
        with self.runtime.warehouse.session("the trace of the last load") as session:
            apply(session)
            return newest_trace(session)

    def pending(self) -> builds.Pending:
        """Return what changed in bronze since the last good build."""
        with self.runtime.warehouse.session("what changed since the last build") as session:
            apply(session)
            return builds.pending(session, self.project.fingerprint)

    def begin(self, changes: builds.Pending) -> None:
        """Note the build's start, and how far it gets with the models that this run selects."""
        covered = {source for source in changes.sources if self._selects(downstream_models(self.project, source))}
        # A build of some models must not pass for a build of all models of a changed project.
        is_partial = bool(self.run.asset_selection) and changes.all_models
        project = "" if is_partial else self.project.fingerprint
        build = builds.Build(self.build_id, "warehouse", changes.built_up_to(covered), covered, project)
        self._begin(build)

    def begin_financial(self) -> None:
        """Note the start of a financial build."""
        self._begin(builds.Build(self.build_id, "financial", 0))

    def _begin(self, build: builds.Build) -> None:
        presence.appear(builder_mark(self.runtime.settings, build.kind))
        with self._session(f"start of the {build.kind} build") as session:
            builds.begin(session, build)

    def publish(self, tables: Sequence[names.Table]) -> list[PublishedVersion]:
        """Publish tables that differ from their last version; returns the new versions."""
        with self.runtime.warehouse.session("publication") as session:
            return publish(session, self.runtime, tables, table_keys(self.project), self.build_id)

    def require_open(self, gate: Gate) -> None:
        """Read the gate's newest verdict: this build's own, or what a run of later steps alone goes by.

        Raises:
            GateClosed: it forbids going on.
            ContractViolated: the gate's rules cannot be read.
        """
        if not read_expectations(rules_path(self.runtime.settings.dbt_dir, gate)):
            return
        with self.runtime.warehouse.session(f"find the {gate} gate's verdict") as session:
            sql = f"SELECT build_id FROM {platform_table('verdict')} WHERE gate = ? ORDER BY decided_at DESC LIMIT 1"
            newest = session.execute(sql, [gate])
        require_open(self.runtime, gate, newest[0][0] if newest else self.build_id)

    def finish_after(self, stage: str) -> None:
        """Note the build's good end when ``stage`` (a layer, or the publication) is the last that this run selects."""
        if self.is_build and stage == self._last_stage():
            self.finish()

    def finish(self, fault: str = "") -> None:
        """Note the build's end, well or with a fault."""
        with self._session("end of a build") as session:
            builds.finish(session, self.build_id, fault)
        kind: builds.BuildKind = "warehouse" if self.is_build else "financial"
        presence.leave(builder_mark(self.runtime.settings, kind))

    @contextmanager
    def _session(self, purpose: str) -> Iterator[Session]:
        """Open a session after which the status file says what changed."""
        with self.runtime.warehouse.session(purpose) as session:
            apply(session)
            yield session
            write_status(session, self.runtime)

    def _selects(self, keys: AbstractSet[dg.AssetKey]) -> bool:
        return not self.run.asset_selection or keys <= self.run.asset_selection

    def _last_stage(self) -> str:
        if not self.run.asset_selection:
            return PUBLISHED
        stages = {key.path[0] for key in self.run.asset_selection}
        return next(stage for stage in (PUBLISHED, GOLD, SILVER) if stage in stages)


@contextmanager
def open_step(context: Context, project: DbtProject, name: str) -> Iterator[Step]:
    """Open the step called ``name``; a fault ends the build in the log and becomes a retry or a failure by its class.

    Raises:
        RetryRequested: the fault's class allows another attempt.
        Failure: it does not.
    """
    step = Step(context.run, open_runtime(), project)
    try:
        with full_disk_told(), telemetry.span(f"warehouse {name}", step.trace(), build=step.build_id):
            yield step
    except StrataError as error:
        found = [Fault(f"warehouse: {name}", error.failure_class, str(error))]
        with suppress(DiskFull), full_disk_told():  # no room for a note of it either; the fault itself is told
            step.finish(str(error))
        if not may_retry(found, context.retry_number):
            tell(step.runtime, found)
        raise_for(found, context.retry_number)
    else:
        tell(step.runtime, well=[f"warehouse: {name}", crash_subject(context.run.job_name)])
