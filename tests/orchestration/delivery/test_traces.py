"""One trace leads from a load over the build and the outbox to the delivery, in whichever processes they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orchestration import telemetry
from orchestration.control import changes, tables
from orchestration.delivery import consumers, registry
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.delivery.worker import deliver_due
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from orchestration.warehouse.apply import apply

USAGE = ("gold", "usage")
WISH = Registration(
    tenant="acme",
    registration_id="feed",
    consumer="bi",
    title="Usage",
    events=("gold.table.updated",),
    tables=(USAGE,),
    columns=(),
    where=(),
    payload="reference",
    format="json",
    channel="feed",
    settings={},
    endpoint="e1",
    terms=Terms(),
)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.trace_with(provider)
    yield exporter
    telemetry.stop()


@pytest.fixture
def runtime(spans: InMemorySpanExporter, tmp_path: Path) -> Runtime:
    opened = open_runtime(Settings(home=tmp_path, tenants_file=tmp_path / "none.yaml", _env_file=None))
    with opened.control.transaction("test") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "acme", "title": "Acme", "state": "active"})
        consumers.add(connection, "acme", "bi", "", "bi@example.com")
        registry.add(connection, WISH)
    return opened


def put_usage(runtime: Runtime) -> None:
    with runtime.warehouse.session("build") as session:
        apply(session)
        session.con.execute("CREATE SCHEMA IF NOT EXISTS gold")
        session.con.execute("CREATE TABLE gold.usage AS SELECT 'acme' AS _tenant_id, 1 AS id")
        publish(session, runtime, [USAGE], {USAGE: ("_tenant_id", "id")}, "build")


def test_the_publication_the_outboxs_statements_and_the_delivery_share_one_trace(
    runtime: Runtime, spans: InMemorySpanExporter
) -> None:
    with telemetry.span("load product/license"):
        loaded = telemetry.current_traceparent()
    with telemetry.span("warehouse publish", loaded):
        put_usage(runtime)
    assert deliver_due(runtime).delivered == 1
    finished = spans.get_finished_spans()
    load = next(span for span in finished if span.name == "load product/license")
    of_trace = [span for span in finished if span.context.trace_id == load.context.trace_id]
    assert {"warehouse publish", "fill the outbox", "deliver by feed"} <= {span.name for span in of_trace}
    assert [span for span in of_trace if _statement(span).startswith("INSERT INTO outbox")]
    (delivered,) = [span for span in of_trace if span.name == "deliver by feed"]
    assert delivered.attributes is not None
    assert (delivered.attributes["tenant"], delivered.attributes["attempt"]) == ("acme", 1)


def _statement(span: ReadableSpan) -> str:
    return str((span.attributes or {}).get("db.statement", ""))
