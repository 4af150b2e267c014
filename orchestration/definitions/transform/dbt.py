"""One dbt invocation for one layer: its own process, its own target folder, under the writer's lock.

``DbtCliInvocation`` is used without ``DbtCliResource``: the resource asks ``dbt --version``
and loads dbt's adapter in this process at each call, only for row counts, which one query
gives for a whole layer. Measured on `dbt ls`: 5.5 to 6.7 CPU seconds a call with it, 3.1 without.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation
from packaging.version import Version

from orchestration.definitions.transform.dbt_environment import dbt_environment
from orchestration.definitions.transform.lineage import read_manifest
from orchestration.definitions.transform.model_rows import with_row_counts
from orchestration.definitions.transform.project import DbtProject, dbt_executable
from orchestration.definitions.transform.translator import ModelTranslator
from orchestration.failures import TransformFailed
from orchestration.runtime import Runtime
from orchestration.settings import Settings

# Unit tests prove the code, in CI; a build proves the data.
_NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
_KEPT_TARGETS = 20


def stream_build(
    context: dg.AssetExecutionContext,
    project: DbtProject,
    translator: ModelTranslator,
    runtime: Runtime,
    select: Sequence[str],
) -> Iterator[Any]:
    """Run ``dbt build`` and yield Dagster's events when it has ended: only then can anybody else count its rows.

    Raises:
        TransformFailed: a model or test failed; names each with dbt's own words.
    """
    folder, settings = _folder(project), runtime.settings
    manifest = read_manifest(folder / "target" / "manifest.json")
    layer = context.op_execution_context.op.name
    target = _target(settings, folder, f"{context.run.run_id[:8]}-{layer}-{context.retry_number}")
    with runtime.warehouse.exclusive(f"dbt {layer}, run {context.run.run_id[:8]}"):
        invocation = DbtCliInvocation.run(
            args=[dbt_executable(), "build", "--profiles-dir", str(folder), *_NO_UNIT_TESTS, "--select", *select],
            env={
                **dbt_environment(settings),
                # The form in which dagster-dbt reads what happens.
                "DBT_LOG_FORMAT": "json",
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target),
            },
            manifest=manifest,
            dagster_dbt_translator=translator,
            project_dir=folder,
            target_path=target,
            raise_on_error=False,
            context=context,
            adapter=None,
            cli_version=Version(version("dbt-core")),
        )
        events = list(invocation.stream())
    yield from with_row_counts(events, runtime, manifest["nodes"])
    if not invocation.is_successful():
        raise TransformFailed(_words(invocation), f"Logs: {target / 'dbt.log'}.")


def _folder(project: DbtProject) -> Path:
    if project.folder is None:
        raise TransformFailed(project.fault, "No earlier state of the project is known to be good.")
    os.utime(project.folder)  # the states used longest ago are forgotten, and a process may live through many edits
    return project.folder


def _target(settings: Settings, folder: Path, name: str) -> Path:
    """Make the invocation's target folder with the parsed state in it, and forget the oldest of them."""
    targets = settings.home / "dbt" / "runs"
    target = targets / name
    target.mkdir(parents=True, exist_ok=True)
    parsed = folder / "target" / "partial_parse.msgpack"
    if parsed.exists():
        shutil.copyfile(parsed, target / parsed.name)
    old = sorted(targets.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT_TARGETS:]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return target


def _words(invocation: DbtCliInvocation) -> str:
    """Return what failed, from dbt's own results; without them (dbt did not get that far), its last error."""
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except (OSError, KeyError, ValueError):
        return str(invocation.get_error() or "dbt failed without results")
    failed = [result for result in results if result["status"] in ("error", "fail", "runtime error")]
    if not failed:
        return str(invocation.get_error() or "dbt failed")
    return "; ".join(f"{result['unique_id']}: {' '.join(str(result['message']).split())}" for result in failed)
