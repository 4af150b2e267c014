"""Silver and gold as dbt assets: one op a layer, its tests as asset checks, its sources the bronze tables."""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.definitions.alerting import tell
from orchestration.definitions.outcome import Fault
from orchestration.definitions.transform.dbt import stream_build
from orchestration.definitions.transform.lineage import models
from orchestration.definitions.transform.project import DbtProject, read_project
from orchestration.definitions.transform.steps import POOL, BuildConfig, Step, open_step
from orchestration.definitions.transform.translator import ModelTranslator
from orchestration.failures import FailureClass
from orchestration.names import GOLD, SILVER
from orchestration.publication.status import read_status
from orchestration.settings import Settings

LAYERS = (SILVER, GOLD)
PROJECT_SUBJECT = "warehouse: dbt project"


def dbt_layers(project: DbtProject, translator: ModelTranslator) -> dict[str, dg.AssetsDefinition]:
    """Return the assets of each layer; empty when the project never parsed."""
    if project.manifest is None:
        return {}
    return {layer: _layer(project, project.manifest, translator, layer) for layer in LAYERS if models(project, layer)}


def _layer(project: DbtProject, manifest: Path, translator: ModelTranslator, layer: str) -> dg.AssetsDefinition:
    @dbt_assets(manifest=manifest, select=f"tag:{layer}", name=layer, dagster_dbt_translator=translator, pool=POOL)
    def build(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        with open_step(context, project, layer) as step:
            if layer == SILVER:
                _tell_of_fault(context, step)
            if layer == SILVER and not _begin(step, config):
                context.log.info("Nothing changed in bronze since the last build: neither dbt nor a gate is started.")
                return
            if layer == GOLD:
                step.require_open("silver")
            _hand_over_salts(step)
            yield from stream_build(context, project, translator, step.runtime, _select(context, layer))

    return build


def _hand_over_salts(step: Step) -> None:
    from orchestration.quality.salts import hand_over_salts  # noqa: PLC0415 - a code location loads without SQLAlchemy

    hand_over_salts(step.runtime)


def _tell_of_fault(context: dg.AssetExecutionContext, step: Step) -> None:
    """Look at the files anew: the assets of a process that lives long were made from them as they were once.

    Files that have not changed cost their reading alone: dbt parses each state once, and an
    alert is written only where there is something to tell, or something told that is mended.
    """
    fault = read_project(step.runtime.settings).fault
    if fault:
        context.log.warning("The last good dbt project is built. %s", fault)
        tell(step.runtime, [Fault(PROJECT_SUBJECT, FailureClass.TRANSFORM, fault)])
    elif _is_told(step.runtime.settings):
        tell(step.runtime, well=[PROJECT_SUBJECT])


def _is_told(settings: Settings) -> bool:
    status = read_status(settings)
    return status is not None and any(alert.subject == PROJECT_SUBJECT for alert in status.alerts)


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
