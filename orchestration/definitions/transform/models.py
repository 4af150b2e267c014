"""Silver and gold as dbt assets: one op a layer, its tests as asset checks, its sources the bronze tables."""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.definitions.transform.dbt import TRANSLATOR, stream_build
from orchestration.definitions.transform.lineage import models
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.steps import POOL, BuildConfig, Step, open_step
from orchestration.names import GOLD, SILVER

LAYERS = (SILVER, GOLD)


def dbt_layers(project: DbtProject) -> dict[str, dg.AssetsDefinition]:
    """Return the assets of each layer; empty when the project never parsed."""
    if project.manifest is None:
        return {}
    return {layer: _layer(project, project.manifest, layer) for layer in LAYERS if models(project, layer)}


def _layer(project: DbtProject, manifest: Path, layer: str) -> dg.AssetsDefinition:
    @dbt_assets(manifest=manifest, select=f"tag:{layer}", name=layer, dagster_dbt_translator=TRANSLATOR, pool=POOL)
    def build(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        with open_step(context, project, layer) as step:
            if layer == SILVER and not _begin(step, config):
                context.log.info("Nothing changed in bronze since the last build: neither dbt nor a gate is started.")
                return
            if layer == GOLD:
                step.require_open("silver")
            with step.runtime.warehouse.exclusive(f"dbt {layer}, run {context.run.run_id[:8]}"):
                yield from stream_build(context, project, step.runtime.settings, _select(context, layer))

    return build


def _begin(step: Step, config: BuildConfig) -> bool:
    """Note the start of a build by the job; what a person materialises by hand is built without asking."""
    if not step.is_build:
        return True
    changes = step.pending()
    if not changes and not config.everything:
        return False
    step.begin(changes)
    return True


def _select(context: dg.AssetExecutionContext, layer: str) -> list[str]:
    """Return dbt's selection: the layer's tag, or the models of a partial run by name."""
    if not context.is_subset:
        return [f"tag:{layer}"]
    return sorted(key.path[-1] for key in context.selected_asset_keys)
