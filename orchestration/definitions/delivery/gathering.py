"""The sensor that takes in what was published, and asks for a run where deliveries are due and no worker takes them.

Where ``strata deliver`` runs, it does all of this itself and the sensor finds nothing left to do. Its place in the
logs is a cursor in the control plane, moved in the outbox's transaction; Dagster keeps only what it was told last.
"""

from __future__ import annotations

import json
import time
from typing import Any

import dagster as dg

from orchestration.definitions.delivery.job import deliver
from orchestration.definitions.schedules import unfinished_run

TICK_SECONDS = 6.0
"""No further batch is begun after so long: Dagster ends a tick after 60 s, and a batch takes up to 4."""
BATCH = 2000


@dg.sensor(
    job=deliver,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes what was published into the outbox, and requests deliveries when no worker is there.",
)
def delivery_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Take in what is new in bounded batches; the next tick goes on where this one ended."""
    from orchestration.definitions.delivery import telling  # noqa: PLC0415 - a location loads without SQLAlchemy
    from orchestration.delivery.outbox.gather import gather  # noqa: PLC0415 - as above
    from orchestration.delivery.unattended import is_any_unattended  # noqa: PLC0415 - as above
    from orchestration.runtime import open_runtime  # noqa: PLC0415 - as above

    runtime, began, taken, begun = open_runtime(), time.monotonic(), 0, 0
    while step := gather(runtime, limit=BATCH):
        taken, begun = taken + step.versions + step.events, begun + step.deliveries
        if time.monotonic() - began > TICK_SECONDS:
            break
    now, found = telling.look(runtime)
    with runtime.control.reading() as connection:
        is_work = begun > 0 or is_any_unattended(connection, now)
    return dg.SensorResult(
        asset_events=list(telling.tellings(found, now, json.loads(context.cursor or "{}"), by_run=False)),
        cursor=json.dumps(telling.told(found)),
        **_answer(context.instance, taken, is_work=is_work),
    )


def _answer(instance: dg.DagsterInstance, taken: int, *, is_work: bool) -> dict[str, Any]:
    if not is_work:
        return {"skip_reason": f"{taken} versions and events were taken in; nothing is left lying."}
    if busy := unfinished_run(instance, deliver.name):
        return {"skip_reason": f"Run {busy} delivers already."}
    return {"run_requests": [dg.RunRequest()]}
