"""Connections to a server: what they are made of, what they tell when refused, and what faults do to them."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from orchestration.failures import AuthenticationFailed, ConnectionFailed, SettingsError
from orchestration.settings import Settings, load_settings
from orchestration.warehouse.protocol import Interrupted
from orchestration.warehouse.sqlserver.connecting import connect, connection_string, is_transient
from orchestration.warehouse.sqlserver.errors import Refused, told
from orchestration.warehouse.sqlserver.warehouse import SqlServerWarehouse

CANARY = "Canary;77}=x"


@pytest.fixture(autouse=True)
def _one_attempt() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def settings(new_tsql_database: Callable[[], str], tmp_path: Any) -> Settings:
    return Settings(
        home=tmp_path,
        warehouse="sqlserver",
        sqlserver_connection=new_tsql_database(),
        lock_wait_seconds=2,
        _env_file=None,
    )


@pytest.fixture
def other(settings: Settings) -> Iterator[Any]:
    """Somebody else's connection."""
    connection = connect(settings)
    yield connection
    connection.close()


def _typed(**more: Any) -> Settings:
    return Settings(
        sqlserver_host="db.example.com", sqlserver_database="strata", sqlserver_user="u", sqlserver_password=CANARY,
        _env_file=None, **more,
    )  # fmt: skip


def test_settings_make_a_connection_that_is_encrypted_unless_told_otherwise() -> None:
    text = connection_string(_typed())
    assert "SERVER=tcp:db.example.com,1433;DATABASE=strata;Encrypt=yes;TrustServerCertificate=no;" in text
    assert "PWD={Canary;77}}=x};" in text, "nothing in a password ends it"
    assert "Authentication" not in text


@pytest.mark.parametrize(
    "way",
    ["ActiveDirectoryPassword", "ActiveDirectoryServicePrincipal", "ActiveDirectoryMSI", "ActiveDirectoryDefault"],
)
def test_entra_is_asked_for_by_its_own_word(way: Any) -> None:
    assert f"Authentication={way};UID=u;" in connection_string(_typed(sqlserver_authentication=way))


@pytest.mark.proves("Connection: login of SQL Server, no secret in what is said")
def test_no_secret_is_in_what_a_refused_connection_says() -> None:
    for broken in (f"SERVER=x;PWD={CANARY};Nonsense={CANARY}", f"SERVER=127.0.0.1,1;UID=sa;PWD={{{CANARY}}}}};"):
        settings = load_settings(sqlserver_connection=broken, sqlserver_login_timeout=1)
        with pytest.raises((SettingsError, ConnectionFailed)) as told_error:
            connect(settings)
        assert "Canary" not in repr(settings) + str(told_error.value) + repr(told_error.value.__cause__)


@pytest.mark.proves("Connection: limits of time, faults that pass by themselves")
def test_a_server_that_accepts_and_never_answers_is_given_up_after_the_login_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        place = f"SERVER=127.0.0.1,{silent.getsockname()[1]};UID=a;PWD=b"
        with pytest.raises(ConnectionFailed):
            connect(load_settings(sqlserver_connection=place, sqlserver_login_timeout=1))
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Transaction (Process ID 61) was deadlocked on lock resources", True),
        ("Database 'strata' on server 'x' is not currently available.", True),
        ("The service is currently busy. Code: 40501", True),
        ("Error 1205", True),
        ("Violation of UNIQUE KEY constraint (2627)", False),
        ("Query timeout expired", False),
        ("Invalid column name 'x'", False),
    ],
)
def test_faults_that_pass_by_themselves_are_told_from_those_that_stay(said: str, expected: bool) -> None:
    assert is_transient(Exception(said)) is expected


@pytest.mark.proves("Connection: login of SQL Server, no secret in what is said")
@pytest.mark.sqlserver
def test_a_wrong_password_is_told_without_showing_it(new_tsql_database: Callable[[], str]) -> None:
    wrong = re.sub(r"PWD=[^;]*", "PWD=Canary-77", new_tsql_database())
    with pytest.raises(AuthenticationFailed) as refused:
        connect(load_settings(sqlserver_connection=wrong))
    assert "Canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.proves("Connection: login of SQL Server, no secret in what is said")
@pytest.mark.sqlserver
def test_a_connection_is_encrypted_unless_told_otherwise(new_tsql_database: Callable[[], str]) -> None:
    silent = re.sub(r"Encrypt=[^;]*;?", "", new_tsql_database())
    connection = connect(load_settings(sqlserver_connection=silent))
    ask = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
    assert connection.cursor().execute(ask).fetchall()[0][0] == "TRUE"
    connection.close()


@pytest.mark.proves("Connection: limits of time, faults that pass by themselves")
@pytest.mark.sqlserver
def test_a_statement_may_not_take_longer_than_the_query_timeout(settings: Settings) -> None:
    connection = connect(settings.model_copy(update={"sqlserver_query_timeout": 1}))
    counted = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 6000000)"
    endless = f"{counted} SELECT MAX(i) FROM n OPTION (MAXRECURSION 0)"
    with pytest.raises(Refused, match="took longer") as stopped, told(endless):
        connection.cursor().execute(endless).fetchall()
    assert "STRATA_SQLSERVER_QUERY_TIMEOUT" in stopped.value.remedy
    connection.close()


@pytest.mark.proves("Connection: limits of time, faults that pass by themselves")
@pytest.mark.sqlserver
def test_one_of_two_who_wait_for_each_other_is_told_to_begin_anew(settings: Settings, other: Any) -> None:
    connections = [connect(settings), other]
    connections[0].cursor().execute(
        "CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0)"
    )
    both_hold, faults = threading.Barrier(2), []

    def work(connection: Any, first: int, second: int) -> None:
        cursor = connection.cursor()
        cursor.execute("BEGIN TRANSACTION")
        cursor.execute("UPDATE pair SET n = n + 1 WHERE id = ?", first)
        both_hold.wait(10)
        statement = "UPDATE pair SET n = n + 1 WHERE id = ?"
        try:
            with told(statement):
                cursor.execute(statement, second)
                cursor.execute("COMMIT TRANSACTION")
        except Interrupted as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(connections[n], 1 + n, 2 - n)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(faults) == 1
    assert [tuple(row) for row in other.cursor().execute("SELECT n FROM pair").fetchall()] == [(1,), (1,)]
    connections[0].close()


@pytest.mark.proves("One writer's lock; who lost it cannot commit")
@pytest.mark.sqlserver
def test_who_lost_the_lock_cannot_commit(settings: Settings, other: Any) -> None:
    warehouse = SqlServerWarehouse(settings)
    other.cursor().execute("CREATE TABLE note (id int)")

    def write_and_lose_the_lock() -> None:
        with warehouse.session("write") as session, session.transaction():
            session.run("INSERT INTO note VALUES (1)")
            holder = warehouse._open.held.connection.cursor().execute("SELECT @@SPID").fetchall()[0][0]
            other.cursor().execute(f"KILL {holder}")

    with pytest.raises(Interrupted):
        write_and_lose_the_lock()
    with warehouse.session("look") as session:
        assert session.run("SELECT id FROM note") == []
        session.run("INSERT INTO note VALUES (2)")
    assert other.cursor().execute("SELECT id FROM note").fetchall()[0][0] == 2


@pytest.mark.proves("Connection: limits of time, faults that pass by themselves")
@pytest.mark.sqlserver
def test_a_connection_that_died_while_idle_is_replaced(settings: Settings, other: Any) -> None:
    warehouse = SqlServerWarehouse(settings)
    with warehouse.session("first") as session:
        ((first,),) = session.run("SELECT @@SPID")
    other.cursor().execute(f"KILL {first}")
    with warehouse.session("second") as session:
        assert session.run("SELECT 1") == [(1,)]
