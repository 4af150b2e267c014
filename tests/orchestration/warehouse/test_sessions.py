"""A warehouse: one writer at a time, sessions that re-enter, transactions that hold; and what a file has of its own."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.failures import Busy
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse, apply, open_warehouse
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.duckdb import beside
from orchestration.warehouse.protocol import Session
from orchestration.warehouse.sqlserver.errors import Refused

of_a_file = pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)


def test_a_session_re_enters_within_a_thread(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    with warehouse.exclusive("build"), warehouse.session("outer") as outer:
        with warehouse.session("inner") as inner:
            assert inner is outer
        assert outer.execute("SELECT 1") == [(1,)]


@of_a_file
def test_within_exclusive_another_program_may_open_the_file(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    with warehouse.session("create") as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
    script = f"import duckdb; print(duckdb.connect({str(settings.warehouse_file)!r}).execute('FROM t').fetchall())"
    with warehouse.exclusive("dbt build"):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[(1,)]"


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse

# Whatever a shell starts in the background inherits that it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings = load_settings(home=Path(sys.argv[1]))
try:
    with open_warehouse(settings).session("a long statement") as session:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        session.execute("SELECT count(*) FROM range(10_000_000_000)")
except KeyboardInterrupt:
    with open_warehouse(settings).session("the next one") as session:
        print(session.execute("SELECT 'interrupted'"))
"""


def test_ctrl_c_within_a_statement_is_ctrl_c_and_no_error_of_the_data(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[('interrupted',)]", "")


@of_a_file
def test_a_connection_beside_a_session_reads_the_warehouse_too(settings: Settings) -> None:
    with open_warehouse(settings).session("read") as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
        session.execute("CREATE TEMP TABLE own AS SELECT 1 AS a")
        other = beside(session.con)
        assert other.execute("FROM main.t").fetchall() == [(1,)]
        with pytest.raises(duckdb.CatalogException):
            other.execute("FROM own")
        other.close()


@of_a_file
def test_an_engine_that_an_error_has_ended_is_replaced(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    with warehouse.session("create") as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
        session.execute("USE memory")
        session.execute("DETACH warehouse")
    settings.warehouse_file.rename(settings.home / "away")
    settings.warehouse_file.write_text("no database")
    with pytest.raises(duckdb.Error), warehouse.session("broken"):
        pass
    (settings.home / "away").rename(settings.warehouse_file)
    with warehouse.session("read") as session:
        assert session.execute("FROM t") == [(1,)]


@of_a_file
def test_a_child_that_was_forked_has_sessions_of_its_own(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    with warehouse.session("create") as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
    child = multiprocessing.get_context("fork").Process(target=_insert_one, args=(warehouse,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    with warehouse.session("read") as session:
        assert session.execute("SELECT count(*) FROM t") == [(2,)]


def _insert_one(warehouse: Warehouse) -> None:
    with warehouse.session("insert") as session:
        session.execute("INSERT INTO t VALUES (2)")


def test_another_process_is_told_of_the_writer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_WAREHOUSE", settings.warehouse)
    if settings.sqlserver_connection:
        monkeypatch.setenv("STRATA_SQLSERVER_CONNECTION", settings.sqlserver_connection.get_secret_value())
    script = f"""
import sys
from pathlib import Path
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
with open_warehouse(Settings(home=Path({str(settings.home)!r}), _env_file=None)).session("load acme/product/invoice"):
    print("ready", flush=True)
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        with pytest.raises(Busy) as caught, open_warehouse(settings).session("status"):
            pass
        other.communicate("\n", timeout=20)
    holder = f"held by process {other.pid} (load acme/product/invoice) since"
    assert (holder if settings.warehouse == "duckdb" else "status: waited 0.3 s") in str(caught.value)


@of_a_file
def test_a_program_that_does_not_ask_for_the_lock_is_told(settings: Settings) -> None:
    warehouse = open_warehouse(settings)
    with warehouse.session("create") as session:
        session.execute("SELECT 1")
    opening = f"c = duckdb.connect({str(settings.warehouse_file)!r})"
    script = f"import duckdb, sys; {opening}; print(1, flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        with pytest.raises(Busy, match="without asking for the writer's lock"), warehouse.session("load"):
            pass
        other.communicate("\n", timeout=20)


def _insert_and_fail(session: Session) -> None:
    with session.transaction():
        session.execute("INSERT INTO plain.t VALUES (1)")
        with session.transaction():
            session.execute("INSERT INTO plain.t VALUES ('x')")


def test_a_transaction_that_fails_leaves_nothing(session: Session) -> None:
    session.ddl.run(session, session.ddl.create_schema("plain"))
    session.ddl.run(session, session.ddl.create_table(("plain", "t"), TableShape({"a": "INTEGER"})))
    with pytest.raises((duckdb.ConversionException, Refused)):
        _insert_and_fail(session)
    assert session.execute("SELECT count(*) FROM plain.t") == [(0,)]
    with session.transaction():
        session.execute("INSERT INTO plain.t VALUES (1)")
    assert session.execute("SELECT a FROM plain.t") == [(1,)]


def test_connections_keep_to_the_settings(session: Session) -> None:
    limit, zone = session.execute("SELECT current_setting('memory_limit'), current_setting('TimeZone')")[0]
    assert (limit, zone) == ("122.0 MiB", "UTC")


@of_a_file
def test_what_does_not_fit_the_memory_is_spilled_to_scratch(settings: Settings) -> None:
    with open_warehouse(settings).session("test") as session:
        session.execute("CREATE TEMP TABLE big AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(3000000)")
        assert list((settings.scratch_dir / "duckdb").iterdir())
        assert session.execute("SELECT count(DISTINCT b) FROM big") == [(3_000_000,)]
    assert not list(settings.scratch_dir.iterdir())


def test_the_plan_is_what_apply_does_and_a_second_time_nothing(session: Session) -> None:
    planned = apply.plan(session)
    assert "create schema strata" in [change.description for change in planned]
    assert apply.apply(session) == planned
    assert apply.plan(session) == []
    session.execute("ALTER TABLE strata.load_ledger DROP COLUMN message")
    assert [change.description for change in apply.apply(session)] == ["add column strata.load_ledger.message VARCHAR"]
