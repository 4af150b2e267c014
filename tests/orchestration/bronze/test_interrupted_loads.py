"""A server breaks a load's transaction off: the load begins anew by itself and does everything once."""

from __future__ import annotations

from typing import Any

import pytest
import stamina
from bench import Bench

from orchestration.bronze import ledger
from orchestration.settings import Settings
from orchestration.warehouse.sqlserver.connecting import connect

pytestmark = [pytest.mark.sqlserver, pytest.mark.proves("A load that the server breaks off is begun anew")]


@pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)
@pytest.mark.parametrize("who", ["the session", "the lock's holder"])
def test_a_killed_connection_costs_a_load_nothing_but_time(
    bench: Bench, settings: Settings, monkeypatch: pytest.MonkeyPatch, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in (1, 2, 3):
        bench.shop().add(key)
    record, killed = ledger.record, []

    def record_once_killed(session: Any, *rest: Any) -> Any:
        written = record(session, *rest)
        if not killed:
            own = session.remote if who == "the session" else bench.warehouse._open.held.connection
            killed.append(own.cursor().execute("SELECT @@SPID").fetchall()[0][0])
            other = connect(settings)
            other.cursor().execute(f"KILL {killed[0]}")
            other.close()
        return written

    monkeypatch.setattr(ledger, "record", record_once_killed)
    with stamina.set_testing(True, attempts=3):  # no waits between attempts
        result = bench.one()
    assert killed
    assert "Settings(" not in capsys.readouterr().out, "no record of a retry holds what the step was called with"
    assert (result.status, result.inserted) == ("loaded", 3)
    assert [row[0] for row in bench.bronze()] == [1, 2, 3]
    assert bench.query("SELECT count(*) FROM strata.load_ledger WHERE status = 'loaded'") == [(1,)]
