"""A control plane that cannot be reached: setting, server and plain reason are told, and neither user nor password."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from orchestration.control import open_control
from orchestration.control.unreachable import refusal
from orchestration.failures import FailureClass, StrataError
from orchestration.settings import load_settings

USER, PASSWORD = "refused-timeout", "hunter2"  # a user's name says nothing of the reason


def told(tmp_path: Path, place: str, kind: str = "postgresql+psycopg") -> StrataError:
    url = f"{kind}://{USER}:{PASSWORD}@{place}"
    with pytest.raises(StrataError) as caught, open_control(load_settings(home=tmp_path, control_url=url)).reading():
        pass
    assert USER not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return caught.value


def server_of(conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    return f"{parts['host']}:{parts['port']}"


def test_a_port_where_nobody_listens_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, "127.0.0.1:1/x").message == "STRATA_CONTROL_URL: 127.0.0.1:1: connection refused."


def test_a_host_that_is_none_is_told_with_the_port_that_is_meant(tmp_path: Path) -> None:
    assert told(tmp_path, "db.invalid/x").message == "STRATA_CONTROL_URL: db.invalid:5432: there is no such host."


def test_a_refused_login_is_told_as_such(tmp_path: Path, postgres: str) -> None:
    error = told(tmp_path, f"{server_of(postgres)}/postgres")
    assert error.message == f"STRATA_CONTROL_URL: {server_of(postgres)}: it refuses the login."
    assert error.failure_class is FailureClass.AUTHENTICATION


def test_a_database_that_is_not_there_is_named(tmp_path: Path, postgres: str) -> None:
    url = str(make_url(postgres).set(drivername="postgresql", database="nodb").render_as_string(hide_password=False))
    with pytest.raises(StrataError) as caught, open_control(load_settings(home=tmp_path, control_url=url)).reading():
        pass
    assert f"database 'nodb' at {server_of(postgres)}: there is no such database" in caught.value.message


@pytest.mark.parametrize(
    ("said", "told_as"),
    [
        ("[28000] Login failed for user 'refused-timeout'. (18456)", "it refuses the login"),
        ('Cannot open database "x" requested by the login. The login failed. (4060)', "there is no such database"),
        ("connection timeout expired", "no answer in time"),
        ("[HYT00] Login timeout expired (0)", "no answer in time"),
        ("[Microsoft]TCP Provider: Error code 0x2749", "connection refused"),
        ("[Microsoft]TCP Provider: Error code 0x2AF9", "there is no such host"),
        ("[Microsoft]TCP Provider: Error code 0x274C", "no answer in time"),
    ],
)
def test_what_drivers_say_is_understood(said: str, told_as: str) -> None:
    error = refusal(said, make_url(f"mssql+pyodbc://{USER}:{PASSWORD}@sql.example.com/x"))
    assert error is not None
    assert "sql.example.com:1433: " + told_as in error.message
    assert refusal("something else", make_url("mssql+pyodbc://sql.example.com/x")) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [("127.0.0.1:1", "127.0.0.1:1: connection refused."), ("db.invalid", "db.invalid:1433: there is no such host.")],
)
def test_a_sql_server_that_is_not_there_is_told_with_the_driver_that_comes_along(
    tmp_path: Path, address: str, reason: str
) -> None:
    error = told(tmp_path, f"{address}/x", "mssql+mssqlpython")
    assert error.message == f"STRATA_CONTROL_URL: {reason}"


@pytest.mark.parametrize("url", ["mssql://u:hunter2@h/x", "mssql+pyodbc:///?odbc_connect=SERVER%3Dh%3BPWD%3Dhunter2"])
def test_a_control_plane_shows_no_password_wherever_its_url_holds_it(tmp_path: Path, url: str) -> None:
    assert PASSWORD not in repr(open_control(load_settings(home=tmp_path, control_url=url)))
