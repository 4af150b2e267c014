"""A control plane's server is named as people name it, whatever form the URL has, and without what is secret."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy import make_url

from orchestration.control import open_control
from orchestration.control.address import address
from orchestration.settings import load_settings


@pytest.mark.parametrize(
    ("url", "server", "database"),
    [
        ("postgresql://u:p@db.example.com/strata", "db.example.com:5432", "strata"),
        ("postgresql://u:p@/strata?host=/run/postgresql", "/run/postgresql:5432", "strata"),
        ("postgresql://u:p@db:6000/strata", "db:6000", "strata"),
        ("mssql://u:p@sql.example.com/strata", "sql.example.com:1433", "strata"),
    ],
)
def test_of_a_url(url: str, server: str, database: str) -> None:
    found = address(make_url(url))
    assert (found.server, found.database) == (server, database)


@pytest.mark.parametrize(
    ("said", "server", "database"),
    [
        ("Driver={ODBC Driver 18};Server=sql.example.com;Database=strata;PWD=x", "sql.example.com:1433", "strata"),
        ("SERVER=tcp:sql.example.com,1444;DATABASE={stra=ta;};UID=u", "sql.example.com:1444", "stra=ta;"),
        ("PWD={a;Server=wrong;};Server=right;Database=x", "right:1433", "x"),
        ("UID=u;PWD=p", "localhost:1433", ""),
    ],
)
def test_of_an_odbc_connection_string(said: str, server: str, database: str) -> None:
    found = address(make_url(f"mssql+pyodbc:///?odbc_connect={quote_plus(said)}"))
    assert (found.server, found.database) == (server, database)


def test_the_control_plane_names_its_database_without_the_password(tmp_path: Path) -> None:
    said = quote_plus("Server=sql.example.com;Database=strata;UID=u;PWD=hunter2")
    control = open_control(load_settings(home=tmp_path, control_url=f"mssql+pyodbc:///?odbc_connect={said}"))
    assert control.place == "mssql://sql.example.com/strata"
