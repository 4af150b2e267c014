"""Several processes write at the same time, and a killed one leaves a whole state behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from orchestration.control import Control, changes, open_control, tables
from orchestration.control.trail import read_trail
from orchestration.failures import Busy, StrataError
from orchestration.settings import load_settings

from .control_rows import add_tenant, fill, rows_of

pytestmark = pytest.mark.proves("Control plane: schema up and down, tenants, audit, crashes")

ACME = {"tenant_id": "acme"}

_WRITER = """
import sys
from orchestration.control import changes, open_control, tables
from orchestration.settings import load_settings
control = open_control(load_settings())
for number in range(100):
    with control.transaction(sys.argv[1]) as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"title": f"{sys.argv[1]} {number}"})
"""

_KILLED = """
import os, signal, sys
from sqlalchemy import event
from orchestration.control import changes, open_control, tables
from orchestration.settings import load_settings
control, left = open_control(load_settings()), [int(sys.argv[1])]
with control.reading():
    pass
@event.listens_for(control.engine, "before_cursor_execute")
def count(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
with control.transaction("doomed") as connection:
    key = {"tenant_id": "acme"}
    changes.update(connection, tables.tenant, key, {"state": "removing"})
    changes.insert(connection, tables.connection, {**key, "source": "shop", "instance": "main", "simulated": True})
    changes.erase(connection, "acme")
"""


def start(program: str, control: Control, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "STRATA_CONTROL_URL": control.url}
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment)


def test_two_processes_write_at_the_same_time_and_nothing_is_lost(control: Control) -> None:
    add_tenant(control, "acme")
    writers = [start(_WRITER, control, name) for name in ("ann", "bob")]
    assert [writer.wait() for writer in writers] == [0, 0]
    trail = read_trail(control, "acme")
    assert sorted(entry.actor for entry in trail) == ["ann"] * 100 + ["bob"] * 100 + ["ops@host"]
    assert [entry.audit_id for entry in trail] == list(range(1, 202))
    # Each change begins where the one before it ended: none was overwritten unseen.
    changed = trail[1:]
    assert [entry.before for entry in changed[1:]] == [entry.after for entry in changed[:-1]]


def test_two_writers_of_the_same_rows_in_another_order_do_not_lock_each_other_out(control: Control) -> None:
    fill(control, "acme")
    place = ACME | {"source": "crm", "instance": "main"}
    failures: list[Exception] = []

    def write(name: str, *, connection_first: bool) -> None:
        for number in range(15):
            steps = [(tables.tenant, ACME, {"title": f"{name} {number}"}),
                     (tables.connection, place, {"settings": {"x": {"value": f"{name} {number}"}}})]  # fmt: skip
            try:
                with control.transaction(name) as connection:
                    for table, key, values in reversed(steps) if connection_first else steps:
                        changes.update(connection, table, key, values)
            except StrataError as error:
                failures.append(error)

    threads = [
        threading.Thread(target=write, args=(name,), kwargs={"connection_first": name == "bob"})
        for name in ("ann", "bob")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(read_trail(control, "acme")) == 7 + 2 * 2 * 15


def test_who_waits_too_long_for_another_writer_is_told_so(tmp_path: Path) -> None:
    control = open_control(load_settings(home=tmp_path, lock_wait_seconds=0.2))
    add_tenant(control, "acme")
    with control.transaction("ann@desk") as first:
        changes.update(first, tables.tenant, ACME, {"title": "by Ann"})
        began = time.monotonic()
        with pytest.raises(Busy, match="held by another process"), control.transaction("bob@desk"):
            pass
        assert 0.1 < time.monotonic() - began < 5
    with control.reading() as connection:
        assert connection.execute(text("SELECT title FROM tenant")).scalar() == "by Ann"


def test_a_reader_never_waits_for_a_writer_and_sees_one_state(control: Control) -> None:
    add_tenant(control, "acme")
    title = text("SELECT title FROM tenant")
    with control.transaction("ann@desk") as writer:
        changes.update(writer, tables.tenant, ACME, {"title": "by Ann"})
        with control.reading() as reader:
            assert reader.execute(title).scalar() == "acme"
    with control.reading() as reader:
        assert reader.execute(title).scalar() == "by Ann"


@pytest.mark.parametrize("statement", [1, 4, 8, 12, 16])
def test_a_process_killed_within_a_transaction_leaves_no_half_of_it(control: Control, statement: int) -> None:
    fill(control, "acme", "globex")
    before = rows_of(control)
    assert start(_KILLED, control, str(statement)).wait() == -signal.SIGKILL
    assert rows_of(control) == before
    with control.transaction("ops@host") as connection:  # nor does a lock stay behind
        changes.update(connection, tables.tenant, ACME, {"title": "Acme"})


def test_the_transaction_that_is_not_killed_does_all_of_it(control: Control) -> None:
    fill(control, "acme", "globex")
    assert start(_KILLED, control, "1000").wait() == 0
    left = rows_of(control)
    for table in tables.TENANT_TABLES:
        assert {row["tenant_id"] for row in left[table.name]} - {"*"} == {"globex"}
