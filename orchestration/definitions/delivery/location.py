"""Puts the code location of deliveries together."""

from __future__ import annotations

import dagster as dg

from orchestration.definitions.delivery.gathering import delivery_sensor
from orchestration.definitions.delivery.job import deliver
from orchestration.definitions.delivery.tables import arrival_checks, table_specs
from orchestration.publication.pointer import published_tables
from orchestration.settings import load_settings


def delivery_definitions() -> dg.Definitions:
    """Return the sensor, the job, and an asset for each table that is published now."""
    tables = published_tables(load_settings())
    return dg.Definitions(
        assets=table_specs(tables),
        asset_checks=[arrival_checks(tables)] if tables else [],
        jobs=[deliver],
        sensors=[delivery_sensor],
        executor=dg.in_process_executor,
    )
