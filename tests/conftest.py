"""What several rooms share: a real PostgreSQL, fresh for each test, and how ``make test`` deals tests out to processes.

A process runs whole files, for a module's fixtures are dear: a loaded platform, a built project. Everything else
is a process's own already: ports are ephemeral, and what is written lies below ``tmp_path``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stamina
from pydantic import SecretStr
from sqlalchemy import URL
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Folders of their own: beside tests/orchestration, the package of that name would be hidden.
sys.path.insert(0, str(Path(__file__).parent / "verified"))
sys.path.insert(0, str(Path(__file__).parent / "on_any_engine"))

from babelfish_limits import is_babelfish, write_nulls_out
from proving import Proving

from orchestration.settings import Settings
from orchestration.warehouse.odbc import register_driver
from source_systems._simulation.postgres import PostgresServer

_numbers = count(1)

LONGEST = (
    "tests/dbt_project/",
    "tests/orchestration/definitions/test_nothing_leaks.py",
    "tests/orchestration/definitions/test_build.py",
    "tests/orchestration/cli/test_ui_command.py",
    "tests/test_readme.py",
)
"""What takes longest, in one piece each, begins first: begun last, it would be waited for by idle processes.
The files of the dbt project are one piece, for they share one built warehouse."""


class WholeFiles(LoadScopeScheduling):
    """Deal out files, and the pieces above, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return _piece(nodeid)


def _piece(nodeid: str) -> str:
    return next((piece for piece in LONGEST if nodeid.startswith(piece)), nodeid.partition("::")[0])


def pytest_configure(config: pytest.Config) -> None:
    """Forget the terminal's width, which xdist tells its processes: tables are tested as a pipe gets them."""
    os.environ.pop("COLUMNS", None)
    config.pluginmanager.register(Proving(), "proving")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> WholeFiles:
    config.option.loadscopereorder = False  # by their number of tests, the longest would come last
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {piece: place for place, piece in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(_piece(item.nodeid), len(LONGEST)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a disk of some megabytes; returns its folder."""
    places: list[Path] = []

    def mount(megabytes: int) -> Path:
        place = tmp_path / f"disk{len(places)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this user cannot mount a small file system; root can")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The superuser's URL of an empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        yield postgres_server.url(name)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def new_tsql_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Make empty databases on the T-SQL server that STRATA_TEST_SQLSERVER names; returns how to connect to each."""
    named = os.environ.get("STRATA_TEST_SQLSERVER", "")
    if not named:
        pytest.skip("STRATA_TEST_SQLSERVER names no T-SQL server by an ODBC connection string")
    register_driver(tmp_path_factory.mktemp("odbc"))
    server = re.sub(r"(?i)\bdatabase=[^;]*;?", "", named).rstrip(";")
    made: list[str] = []

    def new() -> str:
        name = f"strata_test_{os.getpid()}_{next(_numbers)}"
        with closing(_administrator(server)) as con:
            _create(con, name)
        made.append(name)
        return f"{server};DATABASE={name}"

    yield new
    with closing(_administrator(server)) as con:
        for name in made:
            _drop(con, name)


@pytest.fixture
def tsql_control_url(new_tsql_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty control plane on that server."""
    if is_babelfish():
        write_nulls_out(monkeypatch)
    words = dict(word.split("=", 1) for word in new_tsql_database().split(";") if word)
    given = {key.casefold(): value for key, value in words.items()}
    host, _, port = given.pop("server").removeprefix("tcp:").partition(",")
    user, password, database = given.pop("uid"), given.pop("pwd"), given.pop("database")
    given.pop("driver", None)  # it comes with the package
    url = URL.create("mssql+mssqlpython", user, password, host, int(port or 1433), database, query=given)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def server_macros(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for STRATA_DBT_MACROS: on Babelfish those that STRATA_TEST_DBT_MACROS names, and this project's."""
    macros = tmp_path_factory.mktemp("macros")
    if folder := os.environ.get("STRATA_TEST_DBT_MACROS"):
        for path in (*Path(folder).glob("*.sql"), *(Path(__file__).parent / "dbt_project/babelfish").glob("*.sql")):
            shutil.copy(path, macros)
    elif is_babelfish():
        pytest.skip("STRATA_TEST_DBT_MACROS names no folder with the macros that dbt needs on Babelfish")
    return macros


def _create(con: Any, name: str) -> None:
    """Make a database; Babelfish lets one of two break off that are made at the same moment."""
    import pyodbc

    for attempt in stamina.retry_context(on=pyodbc.Error, attempts=5, timeout=30, wait_initial=0.1, wait_max=1):
        with attempt:
            try:
                con.execute(f"CREATE DATABASE {name} COLLATE Latin1_General_100_CI_AS_SC")
            except pyodbc.Error:  # a server without this collation has its own
                con.execute(f"CREATE DATABASE {name}")


def _drop(con: Any, name: str) -> None:
    """Drop a database; a warehouse that pytest still holds has connections in it, and they take a moment to die."""
    import pyodbc

    for attempt in stamina.retry_context(on=pyodbc.Error, attempts=20, timeout=10, wait_initial=0.1, wait_max=0.5):
        with attempt:
            for (spid,) in con.execute("SELECT spid FROM sys.sysprocesses WHERE dbid = DB_ID(?)", name).fetchall():
                con.execute(f"KILL {spid}")
            con.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def new_warehouse(request: pytest.FixtureRequest) -> Callable[[], dict[str, str]]:
    """Return what a home's environment has to say where processes of their own share its warehouse."""
    if not _on_a_server():
        return dict
    new_database = request.getfixturevalue("new_tsql_database")
    return lambda: {"STRATA_SQLSERVER_CONNECTION": new_database()}


def _on_a_server() -> bool:
    return os.environ.get("STRATA_TEST_WAREHOUSE", "duckdb") == "sqlserver"


@pytest.fixture(scope="session", autouse=True)
def everything_on_a_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """With STRATA_TEST_WAREHOUSE=sqlserver, give every home that names no database of its own one on the server."""
    if not _on_a_server():
        yield
        return
    from orchestration.warehouse.sqlserver import connecting

    new_database, named = request.getfixturevalue("new_tsql_database"), connecting.connection_string
    databases: dict[object, str] = {}

    def of_its_home(settings: Settings) -> str:
        if "database=" in (given := named(settings)).lower():
            return given
        if settings.home not in databases:
            databases[settings.home] = named(
                settings.model_copy(update={"sqlserver_connection": SecretStr(new_database())})
            )
        return databases[settings.home]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_WAREHOUSE", "sqlserver")
        patch.setenv("STRATA_SQLSERVER_CONNECTION", os.environ["STRATA_TEST_SQLSERVER"])
        patch.setattr(connecting, "connection_string", of_its_home)
        yield


def _administrator(server: str) -> Any:
    import pyodbc

    pyodbc.pooling = False  # a database that a pooled connection stays in cannot be dropped
    return pyodbc.connect(f"{server};DATABASE=master", autocommit=True, timeout=20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test of a server into a failure where that server has to be, as in CI."""
    report = yield
    if report.skipped and item.get_closest_marker("server") and os.environ.get("STRATA_REQUIRE_SERVERS") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but STRATA_REQUIRE_SERVERS=1: {report.longrepr}"
    return report
