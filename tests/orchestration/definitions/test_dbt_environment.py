"""What dbt is told of the server: the platform's own settings, or what a connection string says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.definitions.transform.dbt_environment import dbt_environment
from orchestration.failures import SettingsError
from orchestration.settings import Settings

PASSWORD = "DBT_ENV_SECRET_SQLSERVER_PASSWORD"


def told(**values: object) -> dict[str, str]:
    settings = Settings(home=Path("unused"), warehouse="sqlserver", _env_file=None)
    found = dbt_environment(settings.model_copy(update=values))
    return {name.removeprefix("STRATA_SQLSERVER_"): value for name, value in found.items() if "SQLSERVER" in name}


def test_single_settings_go_as_they_are() -> None:
    found = told(sqlserver_host="sql.example.com", sqlserver_database="strata", sqlserver_user="me",
                 sqlserver_password=SecretStr("se;cret"), sqlserver_trust_certificate=True)  # fmt: skip
    assert (found["HOST"], found["PORT"], found["DATABASE"], found["USER"]) == (
        "sql.example.com",
        "1433",
        "strata",
        "me",
    )
    assert (found[PASSWORD], found["TRUST_CERTIFICATE"], found["AUTHENTICATION"]) == ("se;cret", "true", "sql")


def test_a_connection_string_is_taken_apart() -> None:
    text = "Driver={ODBC Driver 18};Server=tcp:sql.example.com,14330;Database=strata;Uid=me;Pwd={a;b}}c};Encrypt=yes"
    found = told(sqlserver_connection=SecretStr(text))
    assert (found["HOST"], found["PORT"], found["DATABASE"]) == ("sql.example.com", "14330", "strata")
    assert (found["USER"], found[PASSWORD], found["ENCRYPT"]) == ("me", "a;b}c", "yes")
    assert found["TRUST_CERTIFICATE"] == "false"


@pytest.mark.parametrize(("said", "encrypts"), [("", "yes"), ("Encrypt=strict;", "yes"), ("Encrypt=no;", "no")])
def test_a_connection_is_encrypted_unless_the_string_says_no(said: str, encrypts: str) -> None:
    assert told(sqlserver_connection=SecretStr(f"SERVER=a;DATABASE=b;{said}"))["ENCRYPT"] == encrypts


def test_a_string_without_a_database_is_refused_without_its_secret() -> None:
    with pytest.raises(SettingsError) as raised:
        told(sqlserver_connection=SecretStr("SERVER=a;UID=me;PWD=hidden"))
    assert "database" in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_the_embedded_warehouse_tells_dbt_nothing_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATA_SQLSERVER_HOST", raising=False)
    found = dbt_environment(Settings(home=Path("unused"), _env_file=None))
    assert found["STRATA_DBT_TARGET"] == "duckdb"
    assert "STRATA_SQLSERVER_HOST" not in found
