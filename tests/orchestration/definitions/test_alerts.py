"""Alerts of runs: told by the step that fails, sent again while the sink is down, by a sensor where none could."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import disk_usage
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions.alerting import tell
from orchestration.definitions.outcome import Fault
from orchestration.definitions.transform.alert_delivery import alert_delivery_sensor, crash_sensor, send_alerts
from orchestration.failures import FailureClass
from orchestration.full_disk import DiskFull
from orchestration.settings import load_settings

Toy = Any  # the platform of conftest.py


@dataclass
class Sink:
    """A webhook that can be down."""

    url: str
    is_down: bool = False
    received: list[Any] = field(default_factory=list)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not sink.is_down:
                sink.received.append(json.loads(body))
            self.send_response(503 if sink.is_down else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink = Sink(f"http://127.0.0.1:{server.server_address[1]}/hook")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("STRATA_ALERT_WEBHOOK_URL", sink.url)
        yield sink
        server.shutdown()


def tick(toy: Toy) -> dg.RunRequest | dg.SkipReason:
    answer = alert_delivery_sensor(dg.build_sensor_context(instance=toy.instance))
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_the_failing_run_itself_tells_and_its_recovery_is_told(toy: Toy, sink: Sink) -> None:
    toy.defect("globex", "refused")
    toy.run(entities=["item"])
    assert len(sink.received) == 1
    assert "globex/toy item" in json.dumps(sink.received)
    toy.defect("globex")
    toy.run(entities=["item"])
    assert len(sink.received) == 2
    assert "recovered" in json.dumps(sink.received[1])


def test_a_connection_that_fails_as_a_whole_is_one_alert_and_closes_when_it_answers(toy: Toy, sink: Sink) -> None:
    toy.defect("globex", "refused")
    toy.run()
    (told,) = sink.received
    assert told["subject"] == "globex/toy"
    assert told["message"].endswith("(2 entities: item, part)")
    toy.run()
    toy.run(entities=["item"])
    assert [message["subject"] for message in sink.received] == ["globex/toy", "globex/toy item"]
    toy.defect("globex")
    toy.run(entities=["part"])
    toy.run()
    recovered = [message["subject"] for message in sink.received[2:] if message["state"] == "recovered"]
    assert sorted(recovered) == ["globex/toy", "globex/toy item"]
    assert toy.sql("SELECT count(*) FROM strata.alert WHERE state = 'open'") == [(0,)]


def test_a_sink_that_is_down_delays_the_alert_and_loses_nothing(toy: Toy, sink: Sink) -> None:
    sink.is_down = True
    toy.defect("globex", "refused")
    toy.run(entities=["item"])
    assert sink.received == []
    assert isinstance(tick(toy), dg.RunRequest)
    sink.is_down = False
    assert send_alerts.execute_in_process(instance=toy.instance).success
    assert len(sink.received) == 1
    assert isinstance(tick(toy), dg.SkipReason)


def test_a_disk_that_becomes_scarce_is_told_while_there_is_room(
    toy: Toy, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATA_DISK_WARNING_GB", "1e9")
    assert toy.run(entities=["item"]).success
    assert toy.run("hourly", entities=["item"]).success
    (alert,) = sink.received
    assert alert["subject"] == "free disk"
    assert "GB are free below" in alert["message"]
    assert "STRATA_DISK_WARNING_GB=1e+09" in alert["message"]
    monkeypatch.setenv("STRATA_DISK_WARNING_GB", "0")
    assert toy.run("hourly", entities=["item"]).success
    assert sink.received[1]["state"] == "recovered"


def test_a_full_disk_keeps_no_fault_from_being_told(
    toy: Toy, sink: Sink, monkeypatch: pytest.MonkeyPatch, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(64)
    monkeypatch.setenv("STRATA_HOME", str(disk / "home"))
    assert toy.run(entities=["item"]).success
    runtime = toy.runtime
    fill(disk)
    assert tell(runtime, [Fault("toy", FailureClass.CONTRACT, "It broke: password=hush", "sales")]) == ""
    (alert,) = sink.received
    assert (alert["subject"], alert["owner"], alert["class"]) == ("toy", "sales", "contract")
    assert "hush" not in json.dumps(alert)
    monkeypatch.setenv("STRATA_DISK_WARNING_GB", "1")
    with pytest.raises(DiskFull):
        tell(replace(runtime, settings=load_settings()), well=["toy"])
    assert sink.received[1]["subject"] == "free disk"
    (disk / "filler").unlink()
    assert toy.sql("SELECT count(*) FROM strata.alert") == [(0,)]


def fill(disk: Path) -> None:
    (disk / "filler").write_bytes(bytes(disk_usage(disk).free))


def crash(toy: Toy, job: dg.JobDefinition) -> dg.RunRequest | dg.SkipReason:
    result = job.execute_in_process(instance=toy.instance, raise_on_error=False)
    run = toy.instance.get_run_by_id(result.run_id)
    context = dg.build_run_status_sensor_context(
        sensor_name="crash_sensor", dagster_instance=toy.instance, dagster_run=run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()  # fmt: skip
    answer = crash_sensor(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


@dg.op
def breaks_unforeseen() -> None:
    raise ZeroDivisionError


@dg.op
def fails_knowingly() -> None:
    raise dg.Failure(description="told already", allow_retries=False)


def test_a_run_that_broke_unforeseen_becomes_an_alert(toy: Toy, sink: Sink) -> None:
    @dg.job
    def toy_daily() -> None:
        breaks_unforeseen()

    request = crash(toy, toy_daily)
    assert isinstance(request, dg.RunRequest)
    toy.run("hourly", entities=["item"])  # the warehouse is there
    assert send_alerts.execute_in_process(request.run_config, instance=toy.instance).success
    assert "run of toy_daily" in json.dumps(sink.received)


@dg.op
def is_interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)


def test_a_run_that_somebody_interrupted_is_no_crash(toy: Toy) -> None:
    @dg.job
    def toy_daily() -> None:
        is_interrupted()

    answer = crash(toy, toy_daily)
    assert isinstance(answer, dg.SkipReason)
    assert "ended the run" in str(answer.skip_message)


def test_a_failure_that_its_step_has_told_is_not_told_twice(toy: Toy) -> None:
    @dg.job
    def toy_daily() -> None:
        fails_knowingly()

    assert isinstance(crash(toy, toy_daily), dg.SkipReason)
