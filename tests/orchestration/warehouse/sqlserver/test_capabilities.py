"""What is asked of a server, and what follows from its answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestration.settings import load_settings
from orchestration.warehouse.sqlserver.capabilities import Capabilities, ask, capabilities_of
from orchestration.warehouse.sqlserver.connecting import connect


def _answer(engine: int, version: str, babelfish: str | None = None) -> Capabilities:
    return ask(lambda _: [(babelfish, engine, "Developer", version, "Latin1_General_100_CI_AS_SC", 1, 160, "strata")])


def test_sql_server_2022_has_everything() -> None:
    found = _answer(3, "16.0.4135.4")
    assert found.security_policies
    assert found.create_or_alter
    assert found.bulk_copy
    assert not found.is_azure
    assert str(found) == "SQL Server 16.0.4135.4, Developer, database strata"


def test_azure_sql_is_never_behind_although_it_says_version_12() -> None:
    found = _answer(5, "12.0.2000.8")
    assert found.is_azure
    assert found.security_policies


@pytest.mark.parametrize(("version", "expected"), [("13.0.1601.5", False), ("13.0.4001.0", True), ("12.0.6024", False)])
def test_replacing_comes_with_service_pack_1_of_2016(version: str, expected: bool) -> None:
    assert _answer(2, version).create_or_alter is expected


def test_babelfish_lacks_what_postgresql_has_not() -> None:
    found = _answer(2, "12.0.2000.8", "4.4.0")
    assert not any((found.security_policies, found.bulk_copy, found.create_or_alter))
    assert found.session_context
    assert str(found) == "Babelfish 4.4.0, Developer, database strata"


@pytest.mark.sqlserver
def test_a_server_answers_for_the_database_that_one_is_in(new_tsql_database: Callable[[], str]) -> None:
    place = new_tsql_database()
    with connect(load_settings(sqlserver_connection=place)) as connection:
        found = capabilities_of(connection)
        assert capabilities_of(connection) is found, "asked once"
    assert place.endswith(found.database)
    assert found.collation
    assert found.version
