"""Publication as assets: each gold table's newest version that other processes may read."""

# No deferred annotations here: Dagster reads the type of `context`.
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration import names
from orchestration.definitions.specs import PLATFORM_TEAM, PUBLISHED, asset_key, published_key
from orchestration.definitions.transform.lineage import owners
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.steps import POOL, open_step


def publication_assets(project: DbtProject, tables: Sequence[names.Table]) -> dg.AssetsDefinition:
    """Return one asset for each published table; a version appears only when something differs."""
    owned = owners(project)
    specs = [
        dg.AssetSpec(
            published_key(table),
            deps=[asset_key(table)],
            group_name=PUBLISHED,
            kinds={"parquet"},
            owners=owned.get(table, [PLATFORM_TEAM]),
            description=f"Immutable versions of {'.'.join(table)}, written when its gate has opened.",
            skippable=True,
        )
        for table in tables
    ]

    @dg.multi_asset(name="publish", specs=specs, can_subset=True, pool=POOL)
    def publish_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        chosen = sorted((key.path[1], key.path[2]) for key in context.selected_asset_keys)
        with open_step(context, project, "publish") as step:
            step.require_open("gold")
            for version in step.publish(chosen):
                yield dg.MaterializeResult(
                    asset_key=published_key(version.table),
                    metadata={
                        "version": version.version,
                        "dagster/row_count": version.rows,
                        "inserted": version.inserted,
                        "updated": version.updated,
                        "deleted": version.deleted,
                    },
                )
            step.finish_after(PUBLISHED)

    return publish_tables
