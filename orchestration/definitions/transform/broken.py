"""An asset that stands where something cannot be read: it shows the error, and fails with it in every run."""

from __future__ import annotations

import dagster as dg

from orchestration.definitions.specs import asset_key


def asset(group: str, name: str, fault: str) -> dg.AssetsDefinition:
    """Return the asset ``<group>/<name>`` that tells ``fault``."""

    @dg.asset(
        key=asset_key((group, name)),
        group_name=group,
        kinds={"broken"},
        description=f"Cannot be built. {fault}",
        metadata={"fault": fault},
    )
    def tell() -> None:
        raise dg.Failure(description=fault, allow_retries=False)

    return tell
