"""Spans are made where a collector is named, carry no values, and cross processes by their traceparent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orchestration import telemetry
from orchestration.control import changes, tables
from orchestration.control.database import Control
from orchestration.failures import ConnectionFailed


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.trace_with(provider)
    yield exporter
    telemetry.stop()


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    return next(span for span in spans.get_finished_spans() if span.name == name)


def test_without_a_collector_a_span_is_nothing() -> None:
    with telemetry.span("load", source="product"):
        assert telemetry.current_traceparent() == ""


def test_what_another_process_does_joins_the_trace_by_its_traceparent(spans: InMemorySpanExporter) -> None:
    with telemetry.span("publish"):
        carried = telemetry.current_traceparent()
    with telemetry.span("deliver", carried):
        pass
    publish, deliver = named(spans, "publish"), named(spans, "deliver")
    assert deliver.context.trace_id == publish.context.trace_id
    assert deliver.parent is not None
    assert deliver.parent.span_id == publish.context.span_id


def test_a_statement_of_the_control_plane_is_a_span_without_its_values(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    control = Control(f"sqlite:///{tmp_path}/control/control.db", tmp_path / "locks", 5)
    with telemetry.span("onboard"), control.transaction("ops@host") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "acme", "title": "canary-4711", "state": "active"})
    statements = [span for span in spans.get_finished_spans() if "INSERT INTO tenant" in str(span.attributes)]
    assert statements
    assert statements[0].context.trace_id == named(spans, "onboard").context.trace_id
    assert "canary-4711" not in str([span.to_json() for span in spans.get_finished_spans()])


def test_an_error_marks_its_span_and_keeps_credentials_out(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="refused"), telemetry.span("load"):
        raise ValueError("refused: postgresql://user:hunter2secret@host/db")
    with pytest.raises(ConnectionFailed), telemetry.span("other"):
        raise ConnectionFailed("The source broke off.")
    status = named(spans, "load").status
    assert "ValueError" in str(status.description)
    assert "hunter2secret" not in named(spans, "load").to_json()
