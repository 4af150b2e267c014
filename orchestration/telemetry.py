"""Traces and metrics by OpenTelemetry, sent to the collector that ``STRATA_OTLP_URL`` names.

A trace begins with a load or a build, goes through the logs of the warehouse and the
outbox as a W3C ``traceparent``, and ends with the delivery, in whatever process that is.
Without a collector nothing of OpenTelemetry is imported and a span costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING
from weakref import WeakSet

from orchestration.redaction import redact
from orchestration.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from sqlalchemy import Engine

SERVICE = "strata"
_tracing: list[TracerProvider] = []
_watched: WeakSet[Engine] = WeakSet()
_UNTRACED: AbstractContextManager[None] = nullcontext()


def is_on() -> bool:
    """Say whether spans are made."""
    return bool(_tracing)


def start(settings: Settings) -> None:
    """Send traces to the collector from now on, if the settings name one; once a process."""
    if not settings.otlp_url or _tracing:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 0.1 s
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    # It sends in the background and at the process's end; a collector that is down loses spans, never a load.
    endpoint = f"{settings.otlp_url.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))
    trace_with(provider)


def trace_with(provider: TracerProvider) -> None:
    """Make spans with a provider; the collector's by :func:`start`, a test's own directly."""
    _tracing[:] = [provider]


def stop() -> None:
    """Send what waits and make no more spans."""
    if _watched:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415

        SQLAlchemyInstrumentor().uninstrument()
        _watched.clear()
    for provider in _tracing:
        provider.shutdown()
    _tracing.clear()


def span(name: str, traceparent: str = "", **attributes: str | float | bool) -> AbstractContextManager[None]:
    """Trace a block: as part of what runs now, or of the trace that ``traceparent`` names.

    An error that passes marks the span with its type and its text, in which credentials are masked.
    """
    return _traced(name, traceparent, attributes) if _tracing else _UNTRACED


@contextmanager
def _traced(name: str, traceparent: str, attributes: Mapping[str, str | float | bool]) -> Iterator[None]:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - loaded by start

    tracer = _tracing[0].get_tracer(SERVICE)
    context = _context(traceparent) if traceparent else None
    with tracer.start_as_current_span(
        name, context, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_status(StatusCode.ERROR, f"{type(error).__name__}: {redact(str(error))}"[:500])
            raise


def current_traceparent() -> str:
    """Return the W3C ``traceparent`` of what runs now; empty when nothing is traced."""
    if not _tracing:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def watch_database(engine: Engine) -> None:
    """Trace an engine's statements, without their values.

    The instrumentation declares a range that ends before SQLAlchemy 2.1 and would refuse to
    do anything; it works there (a test sees its spans).
    """
    if not _tracing:
        return
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415

    _watched.add(engine)
    instrumentor = SQLAlchemyInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:  # it takes engines once: all of them anew
        instrumentor.uninstrument()
    instrumentor.instrument(engines=list(_watched), tracer_provider=_tracing[0], skip_dep_check=True)


def _context(traceparent: str) -> Context:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})
