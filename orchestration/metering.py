"""Metrics by OpenTelemetry: counted where things happen, sent to the collector or read by Prometheus.

What a process counts itself (loads, rows, attempts) goes to the collector of
``STRATA_OTLP_URL``; what is true of the installation whoever asks (how old, how many wait) is
read when Prometheus asks, by ``strata metrics`` or a worker with ``--metrics-port``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from orchestration.failures import SettingsError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.sdk.metrics.export import MetricReader

Reading = tuple[str, dict[str, str], float]
"""A gauge's name, its labels and its value now."""

_EXPORT_EVERY_MS = 15_000
_SNAPSHOT_SECONDS = 1.0
_meters: list[Meter] = []
_counters: dict[str, Counter] = {}
_histograms: dict[str, Histogram] = {}


def start(settings: Settings) -> None:
    """Send what this process counts to the collector, if the settings name one; once a process."""
    if not _meters and (readers := _collector(settings)):
        meter_with(readers)


def meter_with(readers: Iterable[MetricReader]) -> Meter:
    """Count for some readers from now on."""
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    provider = MeterProvider(list(readers), Resource.create({"service.name": "strata"}))
    _counters.clear()
    _histograms.clear()
    _meters[:] = [provider.get_meter("strata")]
    return _meters[0]


def count(name: str, value: float = 1, **labels: str) -> None:
    """Add to a counter; nothing happens where nobody reads it."""
    if not _meters:
        return
    if name not in _counters:
        _counters[name] = _meters[0].create_counter(name)
    _counters[name].add(value, labels)


def observe(name: str, value: float, unit: str = "s", **labels: str) -> None:
    """Add a value, such as a duration in seconds, to a histogram."""
    if not _meters:
        return
    if name not in _histograms:
        _histograms[name] = _meters[0].create_histogram(name, unit)
    _histograms[name].record(value, labels)


def serve(settings: Settings, host: str, port: int, names: Iterable[str], read: Callable[[], Iterable[Reading]]) -> int:
    """Answer Prometheus at ``/metrics`` from a thread of its own; return the port (``0`` takes a free one).

    ``read`` is asked at every scrape for the gauges called ``names``.

    Raises:
        SettingsError: the port is taken.
    """
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
    from opentelemetry.metrics import CallbackOptions, Observation  # noqa: PLC0415
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415

    registry = CollectorRegistry()
    try:
        server, _thread = start_http_server(port, host, registry)
    except OSError as error:
        message = f"Port {port} on {host} cannot be taken: {error.strerror}."
        raise SettingsError(message, "Name another one, or 0 for any.") from None
    meter = meter_with([PrometheusMetricReader(registry=registry), *_collector(settings)])
    snapshot = _Snapshot(read)

    def reader(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _options: [Observation(value, labels) for labels, value in snapshot.of(name)]

    for name in names:
        meter.create_observable_gauge(name, [reader(name)])
    return int(server.server_port)


def _collector(settings: Settings) -> list[MetricReader]:
    if not settings.otlp_url:
        return []
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    exporter = OTLPMetricExporter(endpoint=f"{settings.otlp_url.rstrip('/')}/v1/metrics", timeout=5)
    return [PeriodicExportingMetricReader(exporter, export_interval_millis=_EXPORT_EVERY_MS)]


class _Snapshot:
    """All gauges read together, once for a scrape that asks for each by itself."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read
        self._until = 0.0
        self._readings: list[Reading] = []

    def of(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return the readings of one gauge; a gauge that nothing is known of has none."""
        if time.monotonic() >= self._until:
            self._readings, self._until = list(self._read()), time.monotonic() + _SNAPSHOT_SECONDS
        return [(labels, value) for gauge, labels, value in self._readings if gauge == name]
