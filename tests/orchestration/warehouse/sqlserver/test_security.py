"""Tenants' rows on the server: the statements, what is missing of them, and what each login then sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import mssql_python
import pytest
import sqlglot

from orchestration.settings import Settings
from orchestration.warehouse import apply
from orchestration.warehouse.sqlserver import protection, security
from orchestration.warehouse.sqlserver.capabilities import Capabilities, capabilities_of
from orchestration.warehouse.sqlserver.connecting import connect
from orchestration.warehouse.sqlserver.warehouse import SqlServerWarehouse

SERVER = Capabilities(
    "SQL Server", "Developer", "16.0.4135.4", 3, "strata", "SQL_Latin1_General_CP1_CI_AS",
    reads_snapshots=True, compatibility=160,
)  # fmt: skip
BABELFISH = replace(SERVER, product="Babelfish", version="12.0.2000.8", babelfish="4.4.0")
GOLD, BRONZE, HISTORY = ("gold", "report_mrr"), ("bronze_shop", "invoice"), ("finance_history", "mrr")
TABLES = {GOLD: ["_tenant_id"], BRONZE: ["_tenant_id"], HISTORY: ["_tenant_id"], ("strata", "alert"): ["tenant_id"]}
PASSWORD = "Reader-12345"


def _found(**more: Any) -> protection.Protected:
    nothing: dict[str, Any] = {
        "roles": (), "schemas": (), "objects": (), "granted": (), "of_database": (), "tables": TABLES,
        "views": [("finance", "mrr")], "policies": {}, "readable": (),
    }  # fmt: skip
    return protection.Protected(**nothing | more)


def _statements(found: protection.Protected, can: Capabilities = SERVER, **planned: Any) -> list[str]:
    return [sql for _, _, sql in protection.missing(found, can, planned)]


@pytest.mark.proves("Row-level security: statements")
def test_a_policy_filters_what_is_read_and_blocks_what_is_written() -> None:
    assert security.create_policy(GOLD, "_tenant_id") == (
        "CREATE SECURITY POLICY [strata_security].[gold.report_mrr] "
        "ADD FILTER PREDICATE [strata_security].[may_see]([_tenant_id]) ON [gold].[report_mrr], "
        "ADD BLOCK PREDICATE [strata_security].[may_see]([_tenant_id]) ON [gold].[report_mrr] WITH (STATE = ON)"
    )


@pytest.mark.proves("Row-level security: statements")
def test_the_predicate_is_bound_to_its_schema_and_lets_no_empty_context_through() -> None:
    text = security.create_predicate()
    assert "WITH SCHEMABINDING" in text
    assert "IS NULL" not in text.upper()
    assert "@tenant = CAST(SESSION_CONTEXT(N'tenant_id') AS nvarchar(128))" in text
    query = text.partition(" AS RETURN ")[2]
    assert sqlglot.parse_one(query, dialect="tsql").find(sqlglot.exp.Exists)


@pytest.mark.proves("Row-level security: statements")
def test_every_layer_with_tenants_is_protected_and_the_platforms_own_is_nobodys_to_read() -> None:
    statements = _statements(_found())
    protected = [sql for sql in statements if sql.startswith("CREATE SECURITY POLICY")]
    assert len(protected) == 3
    assert not any("[strata].[alert]" in sql for sql in statements)
    readers = [sql for sql in statements if "[strata_tenant]" in sql and sql.startswith("GRANT")]
    assert readers == [security.grant_reading(("finance", "mrr")), security.grant_reading(GOLD)]


@pytest.mark.proves("Row-level security: statements")
def test_a_table_can_be_read_only_after_its_rows_are_protected() -> None:
    statements = _statements(_found())
    assert statements.index(security.create_policy(GOLD, "_tenant_id")) < statements.index(security.grant_reading(GOLD))
    assert statements.index(security.create_policy(HISTORY, "_tenant_id")) < statements.index(
        security.grant_reading(("finance", "mrr"))
    )


@pytest.mark.proves("Row-level security: statements")
def test_an_auditor_is_denied_every_write() -> None:
    denied = security.grants("gold", whole=True)[security.AUDITOR]
    assert denied == [
        "GRANT SELECT ON SCHEMA::[gold] TO [strata_auditor]",
        "DENY INSERT, UPDATE, DELETE, EXECUTE, ALTER ON SCHEMA::[gold] TO [strata_auditor]",
    ]


@pytest.mark.proves("Row-level security: statements")
def test_what_is_there_is_not_made_again_and_what_was_rebuilt_is() -> None:
    schemas = ["strata", "bronze_shop", "silver", "gold", "finance", "finance_history", "finance_work"]
    everything = _found(
        roles=security.ROLES,
        schemas=[*schemas, security.SCHEMA],
        objects=["may_see", "tenant_user"],
        granted=[(role, schema) for role in security.ROLES for schema in schemas],
        of_database=security.DATABASE_PERMISSIONS,
        policies=dict.fromkeys((GOLD, BRONZE, HISTORY), True),
        readable=[GOLD, ("finance", "mrr")],
    )  # fmt: skip
    assert _statements(everything) == []
    rebuilt = protection.Protected(
        **vars(everything) | {"policies": {BRONZE: True, HISTORY: False}, "readable": [("finance", "mrr")]}
    )
    assert _statements(rebuilt) == [
        security.create_policy(GOLD, "_tenant_id"), security.switch_on(HISTORY), security.grant_reading(GOLD),
    ]  # fmt: skip


@pytest.mark.proves("Row-level security: statements")
def test_without_policies_no_tenant_is_given_anything() -> None:
    statements = _statements(_found(), BABELFISH)
    assert not any("POLICY" in sql or "DENY" in sql for sql in statements)
    assert not any(
        sql.startswith("GRANT") and ("[strata_reader]" in sql or "[strata_tenant]" in sql) for sql in statements
    )
    assert security.create_predicate() in statements


@pytest.mark.proves("Row-level security: statements")
def test_names_of_any_kind_stay_names() -> None:
    table = ("gold", "x]; DROP TABLE y --" + "n" * 110)
    text = security.create_policy(table, "_tenant_id")
    assert "ON [gold].[x]]; DROP TABLE y --" in text
    assert len(security.policy_name(table)) <= 128
    assert security.policy_name(table) != security.policy_name((*table[:1], table[1] + "m"))


@pytest.fixture
def settings(new_tsql_database: Callable[[], str], tmp_path: Path) -> Settings:
    place = new_tsql_database()
    return Settings(
        home=tmp_path, warehouse="sqlserver", sqlserver_connection=place, lock_wait_seconds=5, _env_file=None
    )


@pytest.fixture
def warehouse(settings: Settings) -> SqlServerWarehouse:
    """A warehouse with two tenants' rows in gold, protected as far as its server can."""
    warehouse = SqlServerWarehouse(settings)
    with warehouse.session("set up") as session:
        apply.apply(session)
        session.run("CREATE TABLE gold.report_mrr (_tenant_id nvarchar(128) NOT NULL, n int)")
        session.run("INSERT INTO gold.report_mrr VALUES ('acme', 1), ('globex', 2)")
        apply.protect(session)
    return warehouse


@pytest.fixture
def login(settings: Settings, warehouse: SqlServerWarehouse) -> Iterator[Callable[[str], Any]]:
    """Make a login of a role, and connect as it."""
    made: list[Any] = []
    given = settings.sqlserver_connection
    assert given is not None

    def new(role: str) -> Any:
        name = f"{role}_{id(made)}_{len(made)}"
        with warehouse.session("a login") as session:
            session.run(f"CREATE LOGIN [{name}] WITH PASSWORD = '{PASSWORD}'")
            session.run(f"CREATE USER [{name}] FOR LOGIN [{name}]")
            session.run(f"ALTER ROLE [{role}] ADD MEMBER [{name}]")
        parts = dict(part.split("=", 1) for part in given.get_secret_value().split(";") if "=" in part)
        text = ";".join(f"{key}={value}" for key, value in {**parts, "UID": name, "PWD": PASSWORD}.items())
        connection = connect(settings.model_copy(update={"sqlserver_connection": type(given)(text)}))
        made.append((name, connection))
        return connection

    yield new
    with warehouse.session("no logins") as session:
        for name, connection in made:
            connection.close()
            for sql in (f"DROP USER [{name}]", f"DROP LOGIN [{name}]"):
                with suppress(Exception):
                    session.run(sql)


def _rows(connection: Any, sql: str = "SELECT n FROM gold.report_mrr ORDER BY n") -> list[int]:
    return [row[0] for row in connection.cursor().execute(sql).fetchall()]


def _require_policies(connection: Any) -> None:
    can = capabilities_of(connection)
    if not can.security_policies:
        pytest.skip(f"{can} has no security policies")


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: roles, grants, predicate, session context")
def test_applying_twice_finds_nothing_to_do(warehouse: SqlServerWarehouse) -> None:
    with warehouse.session("look") as session:
        assert apply.plan(session) == []


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: roles, grants, predicate, session context")
def test_an_auditor_reads_every_row_and_writes_none(login: Callable[[str], Any]) -> None:
    auditor = login(security.AUDITOR)
    assert _rows(auditor) == [1, 2]
    with pytest.raises(mssql_python.Error, match=r"(?i)permission"):
        auditor.cursor().execute("INSERT INTO gold.report_mrr VALUES ('acme', 3)")


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: roles, grants, predicate, session context")
def test_the_platform_reads_and_writes_every_row(login: Callable[[str], Any]) -> None:
    platform = login(security.PLATFORM)
    platform.cursor().execute("UPDATE gold.report_mrr SET n = n + 10")
    assert _rows(platform) == [11, 12]


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: roles, grants, predicate, session context")
def test_the_predicate_shows_a_reader_the_rows_of_the_tenant_in_its_context_alone(
    login: Callable[[str], Any], warehouse: SqlServerWarehouse
) -> None:
    """On a server without policies the predicate is asked directly: what it says is what a policy would do."""
    reader = login(security.READER)
    with warehouse.session("let it ask") as session:
        for text in ("GRANT SELECT ON SCHEMA::gold TO", "GRANT SELECT, EXECUTE ON SCHEMA::strata_security TO"):
            session.run(f"{text} [{security.READER}]")
    seen = "SELECT n FROM gold.report_mrr CROSS APPLY strata_security.may_see(_tenant_id) ORDER BY n"
    assert _rows(reader, seen) == [], "no tenant is set: nothing is seen"
    reader.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'globex', 1")
    assert _rows(reader, seen) == [2]
    with pytest.raises(mssql_python.Error, match="read_only"):
        reader.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'acme'")


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: roles, grants, predicate, session context")
def test_no_context_outlives_its_session_on_a_kept_connection(warehouse: SqlServerWarehouse) -> None:
    ask = "SELECT CAST(SESSION_CONTEXT(N'tenant_id') AS nvarchar(128)), @@SPID"
    with warehouse.session("for a tenant") as session:
        session.run("EXEC sp_set_session_context N'tenant_id', N'acme'")
        ((tenant, first),) = session.run(ask)
        assert tenant == "acme"
    with warehouse.session("for all") as session:
        assert session.run(ask) == [(None, first)], "the same connection, without its context"


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: policies in force")
def test_a_reader_sees_nothing_of_others_and_writes_nothing_for_them(login: Callable[[str], Any]) -> None:
    reader = login(security.READER)
    _require_policies(reader)
    assert _rows(reader) == []
    reader.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'acme', 1")
    assert _rows(reader) == [1]
    assert _rows(reader, "SELECT n FROM gold.report_mrr WHERE _tenant_id = 'globex'") == []
    with pytest.raises(mssql_python.Error):
        reader.cursor().execute("INSERT INTO gold.report_mrr VALUES ('globex', 3)")


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: policies in force")
def test_a_row_of_another_tenant_is_blocked_even_for_who_may_write(
    login: Callable[[str], Any], warehouse: SqlServerWarehouse
) -> None:
    """A filter alone would let it in; the same for a row that is moved to another tenant."""
    reader = login(security.READER)
    _require_policies(reader)
    with warehouse.session("let it write") as session:
        session.run(f"GRANT INSERT, UPDATE, DELETE ON SCHEMA::gold TO [{security.READER}]")
    reader.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'acme', 1")
    for sql in ("INSERT INTO gold.report_mrr VALUES ('globex', 3)", "UPDATE gold.report_mrr SET _tenant_id = 'globex'"):
        with pytest.raises(mssql_python.Error, match=r"(?i)block predicate"):
            reader.cursor().execute(sql)
    reader.cursor().execute("DELETE FROM gold.report_mrr")
    with warehouse.session("look") as session:
        assert session.run("SELECT n FROM gold.report_mrr") == [(2,)]


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: policies in force")
def test_a_tenants_own_user_sees_its_rows_whatever_its_context_says(
    login: Callable[[str], Any], warehouse: SqlServerWarehouse
) -> None:
    tenant = login(security.TENANT)
    _require_policies(tenant)
    with warehouse.session("whose it is") as session:
        name = tenant.cursor().execute("SELECT USER_NAME()").fetchall()[0][0]
        session.run("INSERT INTO strata_security.tenant_user VALUES (?, 'acme')", name)
    assert _rows(tenant) == [1]
    tenant.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'globex'")
    assert _rows(tenant) == [1]


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: policies in force")
def test_a_rebuilt_table_is_nobodys_until_it_is_protected_again(
    login: Callable[[str], Any], warehouse: SqlServerWarehouse
) -> None:
    reader = login(security.READER)
    _require_policies(reader)
    reader.cursor().execute("EXEC sp_set_session_context N'tenant_id', N'acme', 1")
    with warehouse.session("rebuild") as session:
        with session.transaction():
            session.run(security.drop_policy(GOLD))
            session.run("SELECT * INTO gold.anew FROM gold.report_mrr")
            session.run("DROP TABLE gold.report_mrr")
            session.run("EXEC sp_rename 'gold.anew', 'report_mrr', 'OBJECT'")
        with pytest.raises(mssql_python.Error, match=r"(?i)permission"):
            _rows(reader)
        apply.protect(session)
    assert _rows(reader) == [1]


@pytest.mark.sqlserver
@pytest.mark.proves("Row-level security: policies in force")
def test_every_table_with_tenants_has_its_policy(warehouse: SqlServerWarehouse, settings: Settings) -> None:
    with closing(connect(settings)) as connection:
        _require_policies(connection)
    with warehouse.session("look") as session:
        found = protection.look(session.run, session.capabilities)
        assert {table for table in found.tables if security.is_protected(table[0])} == set(found.policies)
        assert all(found.policies.values())
