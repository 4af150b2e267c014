"""The factory: one source system's folder becomes a code location's definitions.

A source is data; nothing here knows any of them by name. A contract that cannot be
read stays visible as an asset that fails with the contract's error, beside the
others, which load.
"""

from __future__ import annotations

import dagster as dg

from orchestration.contracts.source import SourceSystem, read_source
from orchestration.definitions.load import load_assets, load_op_name
from orchestration.definitions.schedules import source_schedule
from orchestration.settings import Settings, load_settings

MODES = ("init", "daily", "hourly")
SOURCE_TAG = "strata/source"


def source_definitions(name: str) -> dg.Definitions:
    """Return the assets, jobs and schedules of the source system in ``source_systems/<name>``."""
    settings = load_settings()
    source = read_source(settings.sources_dir / name)
    jobs = {mode: _job(source, mode) for mode in MODES}
    return dg.Definitions(
        assets=[load_assets(source)],
        jobs=list(jobs.values()),
        schedules=_schedules(source, jobs, settings),
        executor=dg.in_process_executor,
        metadata={"source": source.description.title, **_fault_metadata(source)},
    )


def _job(source: SourceSystem, mode: str) -> dg.UnresolvedAssetJobDefinition:
    """One job a mode; they differ only in the run configuration that they start from."""
    title = source.description.title
    wording = {
        "init": f"Applies contract changes of {title}, then loads everything and reconciles.",
        "daily": f"Loads everything from {title} and reconciles: changes, deletions, formulas.",
        "hourly": f"Loads what changed in {title} since the watermark, and catches deletions.",
    }
    return dg.define_asset_job(
        f"{source.name}_{mode}",
        selection=dg.AssetSelection.groups(source.name),
        config={"ops": {load_op_name(source): {"config": {"mode": mode}}}},
        description=wording[mode],
        executor_def=dg.in_process_executor,
        # A killed worker leaves its run started for ever unless a limit ends it; the op retries
        # by failure class itself, and a second retry by the daemon would multiply the attempts.
        tags={
            SOURCE_TAG: source.name,
            "strata/mode": mode,
            "dagster/max_runtime": str(source.description.max_runtime_minutes * 60),
            "dagster/retry_on_asset_or_op_failure": "false",
        },
    )


def _schedules(
    source: SourceSystem, jobs: dict[str, dg.UnresolvedAssetJobDefinition], settings: Settings
) -> list[dg.ScheduleDefinition]:
    lines = {"daily": source.description.schedule.daily, "hourly": source.description.schedule.hourly}
    return [source_schedule(jobs[mode], cron, settings.timezone) for mode, cron in lines.items() if cron]


def _fault_metadata(source: SourceSystem) -> dict[str, str]:
    """What cannot be read, shown on the code location's page."""
    faults = {**source.faults, **({"source.yaml": source.fault} if source.fault else {})}
    return {f"fault: {name}": str(error) for name, error in faults.items()}
