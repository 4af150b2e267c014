"""The assets of one source: a single op that loads every selected entity of every tenant.

One op in the run's own process, because a process for each entity costs more than the
load. A tenant that fails leaves the others loaded; then the op fails with its name, and
the retry takes only what failed.
"""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from orchestration import names
from orchestration.contracts.source import SourceSystem
from orchestration.definitions import outcome
from orchestration.definitions.alerting import crash_subject, tell
from orchestration.definitions.outcome import OF_CONNECTIONS, Fault, LeftOut
from orchestration.definitions.row_counts import row_counts
from orchestration.definitions.specs import asset_key, bronze_specs, faults
from orchestration.failures import FailureClass, StrataError
from orchestration.full_disk import full_disk_told

if TYPE_CHECKING:
    from orchestration.bronze.ledger import LoadResult
    from orchestration.runtime import Runtime


_SCHEDULE_TAG = "dagster/schedule_name"
"""What Dagster gives to runs that a schedule launched."""


class LoadConfig(dg.Config):
    """What a person may set for one run; the jobs fill in ``mode``.

    ``entities`` and ``tenants`` narrow the run (empty: all); ``force_reason`` applies the
    tombstones that the shrink guard holds, and says why.
    """

    mode: Literal["init", "daily", "hourly"] = "daily"
    entities: list[str] = Field(default_factory=list)
    tenants: list[str] = Field(default_factory=list)
    force_reason: str = ""


def load_op_name(source: SourceSystem) -> str:
    """Return the op's name, under which run configuration addresses it."""
    return f"load_{source.name}"


def load_assets(source: SourceSystem) -> dg.AssetsDefinition:
    """Return the source's bronze tables as one multi-asset of which any part may be loaded."""
    # A failed entity yields nothing, and that must not fail the op before the others are told.
    specs = [spec.replace_attributes(skippable=True) for spec in bronze_specs(source)]

    # The pool keeps two loads of one source from overlapping. Loads of different sources may:
    # they hold the warehouse only for moments, by its own lock, while an extraction takes hours.
    @dg.multi_asset(name=load_op_name(source), specs=specs, can_subset=True, pool=f"load_{source.name}")
    def load(context: dg.AssetExecutionContext, config: LoadConfig) -> Iterator[dg.MaterializeResult[None]]:
        yield from _load(context, config, source)

    return load


def _load(
    context: dg.AssetExecutionContext, config: LoadConfig, source: SourceSystem
) -> Iterator[dg.MaterializeResult[None]]:
    from orchestration.runtime import open_runtime  # noqa: PLC0415 - a location loads without the engine

    wanted = [name for name in _selected(context, source) if not config.entities or name in config.entities]
    runtime = open_runtime()
    try:
        with full_disk_told():
            results = _results(runtime, context, config, source, [name for name in wanted if name in source.contracts])
            rows = _row_counts(runtime, source, results)
    except StrataError as error:
        found = [Fault(f"load of {source.name}", error.failure_class, str(error))]
        results, rows = [], {}
    else:
        found = outcome.load_faults(source, results, [name for name in wanted if name not in source.contracts])
    yield from _materializations(context, source, results, rows, is_whole=not config.tenants)
    told = [] if outcome.may_retry(found, context.retry_number) else outcome.by_connection(found, OF_CONNECTIONS)
    well = outcome.well_subjects(results, found)
    with_run = [] if found else [crash_subject(context.run.job_name), f"load of {source.name}"]
    tell(runtime, told + outcome.held_faults(source, results), well + with_run)
    outcome.raise_for(found, context.retry_number)


def _results(
    runtime: "Runtime", context: dg.AssetExecutionContext, config: LoadConfig, source: SourceSystem, entities: list[str]
) -> "list[LoadResult]":
    from orchestration.bronze.load import load_source  # noqa: PLC0415 - a location loads without the engine
    from orchestration.control.actor import acting_as  # noqa: PLC0415 - as above

    run_id, left_out = _ledger_run(context.run), LeftOut()
    with acting_as(f"dagster run {context.run.run_id}"):
        results = load_source(
            runtime,
            source,
            config.mode,
            entities=entities,
            tenants=config.tenants or None,
            force_reason=config.force_reason or None,
            who=f"dagster/{context.run.job_name}",
            run_id=run_id,
            scheduled=_SCHEDULE_TAG in context.run.tags,
            on_left_out=left_out.add,
        )
    for line in left_out.lines():
        context.log.info(line)
    # A tenant that was suspended as it loaded is nobody's failure: it is as if it had been left out.
    results = [result for result in results if result.failure_class != FailureClass.SUSPENDED]
    return [*_earlier(runtime, source, run_id, results), *results] if context.retry_number else results


def _earlier(
    runtime: "Runtime", source: SourceSystem, run_id: str, results: "Sequence[LoadResult]"
) -> "Iterator[LoadResult]":
    """Yield what earlier attempts of this run loaded of the same entities, so that an asset shows all its tenants."""
    from orchestration.bronze import ledger  # noqa: PLC0415 - a location loads without the engine

    entities, now = {result.entity for result in results}, {result.load_id for result in results}
    with runtime.warehouse.reading("earlier attempts") as session:
        for load in ledger.loads_of_run(session, source.name, run_id):
            if load.entity in entities and load.load_id not in now:
                yield load


def _selected(context: dg.AssetExecutionContext, source: SourceSystem) -> list[str]:
    """Return the entities that this run selects, in the contracts' order, the broken ones last."""
    chosen = {key.path[-1] for key in context.selected_asset_keys}
    return [name for name in [*source.contracts, *faults(source)] if name in chosen]


def _ledger_run(run: dg.DagsterRun) -> str:
    """Return the run under which the ledger keeps what is done.

    A retry from failure goes on where its parent stopped. A plain re-execution shares the root
    too, but a person who asks for it wants everything loaded again.
    """
    resumed = run.tags.get("dagster/is_resume_retry") == "true"
    return (run.root_run_id if resumed else None) or run.run_id


def _materializations(
    context: dg.AssetExecutionContext,
    source: SourceSystem,
    results: "Sequence[LoadResult]",
    rows: dict[str, int],
    *,
    is_whole: bool,
) -> Iterator[dg.MaterializeResult[None]]:
    """Yield a materialisation of each entity whose every tenant is loaded; of the others, note what is."""
    for entity, group in groupby(sorted(results, key=lambda result: result.entity), key=lambda result: result.entity):
        of_entity = list(group)
        key = asset_key(names.bronze_table(source.name, entity))
        metadata = outcome.load_metadata(of_entity, rows.get(entity))
        if is_whole and all(result.status != "failed" for result in of_entity):
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        else:
            context.log_event(dg.AssetObservation(key, metadata=metadata))


def _row_counts(runtime: "Runtime", source: SourceSystem, results: "Sequence[LoadResult]") -> dict[str, int]:
    """Count the live rows of the loaded tables in one query."""
    tables = {names.bronze_table(source.name, r.entity): r.entity for r in results if r.status != "failed"}
    found = row_counts(runtime, tables, f"{names.DELETED_AT} IS NULL")
    return {tables[table]: count for table, count in found.items()}
