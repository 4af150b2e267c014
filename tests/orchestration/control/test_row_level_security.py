"""PostgreSQL itself keeps tenants apart: each known way around row-level security is tried on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from orchestration.control import Control, changes, open_control, tables
from orchestration.control.isolation import holes
from orchestration.failures import SettingsError, StrataError
from orchestration.settings import load_settings

from .conftest import API, OWNER, as_url
from .control_rows import fill

Admin = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def control(postgres_control: Control) -> Control:
    fill(postgres_control, "acme", "globex")
    return postgres_control


@pytest.fixture
def admin(owned_postgres: str) -> Iterator[Admin]:
    """The server's superuser."""
    with psycopg.connect(owned_postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(owned_postgres: str) -> Iterator[Admin]:
    """The owner of the tables, who is no superuser, beside the program."""
    address = as_url(owned_postgres, OWNER).replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def api(owned_postgres: str, admin: Admin, control: Control, tmp_path: Path) -> Iterator[Control]:
    """The control plane for a login that may be one tenant at a time, and never the operator."""
    admin.execute(f"GRANT strata_app TO {API} WITH INHERIT FALSE, SET TRUE")
    opened = open_control(load_settings(home=tmp_path, control_url=as_url(owned_postgres, API)))
    yield opened
    opened.engine.dispose()


def counts(control: Control, tenant: str | None) -> dict[str, int]:
    with control.reading(tenant) as connection:
        return {
            table.name: connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one()
            for table in tables.TENANT_TABLES
        }


ONE = {table.name: 1 for table in tables.TENANT_TABLES} | {"audit": 7}


def test_a_tenant_sees_its_own_rows_alone_and_the_operator_all(control: Control, api: Control) -> None:
    assert counts(control, "acme") == counts(control, "globex") == counts(api, "acme") == ONE
    assert counts(control, "nobody") == dict.fromkeys(ONE, 0)
    assert counts(control, None)["tenant"] == 2
    with control.reading("acme") as connection:
        for table in tables.TENANT_TABLES:
            assert set(connection.execute(table.select()).scalars()) == {"acme"}


def test_a_login_that_is_not_an_operators_cannot_look_at_all_tenants(api: Control) -> None:
    with pytest.raises(SettingsError, match="refuses this"), api.reading():
        pass
    with pytest.raises(SettingsError, match="refuses this"), api.reading("acme") as connection:
        connection.execute(text("SET LOCAL ROLE strata_operator"))


def test_without_a_tenant_there_is_no_row_also_after_another_transaction_had_one(owner: Admin) -> None:
    def seen() -> object:
        return owner.execute("SELECT count(*) FROM tenant").fetchone()

    with owner.transaction():
        owner.execute("SET LOCAL ROLE strata_app")
        assert owner.execute("SELECT current_setting('strata.tenant', true)").fetchone() == (None,)
        assert seen() == (0,)
    with owner.transaction():
        owner.execute("SET LOCAL ROLE strata_app")
        owner.execute("SELECT set_config('strata.tenant', 'acme', true)")
    with owner.transaction():
        owner.execute("SET LOCAL ROLE strata_app")
        assert owner.execute("SELECT current_setting('strata.tenant', true)").fetchone() == ("",)
        assert seen() == (0,)


@pytest.fixture(autouse=True)
def _filled(control: Control) -> None:
    """Every test begins with two tenants that have the same ids."""


def test_the_owner_of_the_tables_sees_nothing_until_force_is_taken_away(owner: Admin) -> None:
    for table in tables.TENANT_TABLES:
        assert owner.execute(f"SELECT count(*) FROM {table.name}").fetchone() == (0,)
    owner.execute("ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY")
    assert owner.execute("SELECT count(*) FROM tenant").fetchone() == (2,)  # the trap


def test_a_superusers_program_is_bound_too(owned_postgres: str, tmp_path: Path) -> None:
    superuser = owned_postgres.replace("postgresql://", "postgresql+psycopg://")
    opened = open_control(load_settings(home=tmp_path, control_url=superuser))
    assert counts(opened, "acme") == ONE
    opened.engine.dispose()


def test_a_view_of_a_superuser_leaks_and_is_found(control: Control, admin: Admin) -> None:
    admin.execute("CREATE VIEW report AS SELECT tenant_id FROM tenant")
    admin.execute("GRANT SELECT ON report TO strata_app")
    with control.reading("acme") as connection:
        assert len(connection.execute(text("SELECT * FROM report")).all()) == 2  # the trap
    assert found(control) == ["report: a view shows what its owner may see; make it security_invoker."]
    admin.execute("ALTER VIEW report SET (security_invoker = true)")
    with control.reading("acme") as connection:
        assert connection.execute(text("SELECT * FROM report")).all() == [("acme",)]
    assert found(control) == []


def test_a_view_of_the_forced_owner_shows_nothing(control: Control, owner: Admin) -> None:
    owner.execute("CREATE VIEW report AS SELECT tenant_id FROM tenant")
    owner.execute("GRANT SELECT ON report TO strata_app")
    with control.reading("acme") as connection:
        assert connection.execute(text("SELECT * FROM report")).all() == []


def found(control: Control) -> list[str]:
    with control.reading() as connection:
        return holes(connection)


OPEN = "salt: policy open shows rows where no tenant is set, or to everybody."
UNLESS_UNSET = "tenant_id = current_setting('strata.tenant', true) OR current_setting('strata.tenant', true) IS NULL"


@pytest.mark.parametrize(
    ("statement", "hole"),
    [
        ("CREATE MATERIALIZED VIEW report AS SELECT * FROM tenant", "report: a materialized view carries no policy."),
        ("ALTER TABLE salt NO FORCE ROW LEVEL SECURITY", "salt: row-level security is not enabled and forced."),
        ("ALTER TABLE salt DISABLE ROW LEVEL SECURITY", "salt: row-level security is not enabled and forced."),
        ("CREATE UNIQUE INDEX one ON salt (salt)", "salt: unique index one does not begin with tenant_id."),
        ("CREATE UNIQUE INDEX one ON salt (lower(salt))", "salt: unique index one does not begin with tenant_id."),
        ("ALTER TABLE salt ADD CONSTRAINT one UNIQUE (salt)", "salt: unique key one does not begin with tenant_id."),
        (f"CREATE POLICY open ON salt TO strata_app USING ({UNLESS_UNSET})", OPEN),
        ("CREATE POLICY open ON salt USING (true)", OPEN),
        ("CREATE FUNCTION peep() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM tenant'",
         "peep: a function runs with the rights of its owner."),
    ],
)  # fmt: skip
def test_a_hole_that_somebody_makes_beside_the_migrations_is_found(
    control: Control, admin: Admin, statement: str, hole: str
) -> None:
    assert found(control) == []
    admin.execute(statement)
    assert hole in found(control)


def test_every_unique_index_and_foreign_key_begins_with_the_tenant(admin: Admin) -> None:
    """By the server's own catalogue, so that no reflection hides an index."""
    indexes = admin.execute(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text, a.attname FROM pg_index AS i "
        "LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE indisunique AND indrelid::regclass::text = ANY(%s)",
        [[table.name for table in tables.TENANT_TABLES]],
    ).fetchall()
    foreign = admin.execute(
        "SELECT conrelid::regclass::text, conname, a.attname FROM pg_constraint AS c "
        "JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE contype = 'f' AND conname <> 'fk_tenant_plan'"
    ).fetchall()
    assert len(indexes) >= len(tables.TENANT_TABLES)
    assert len(foreign) == 10
    assert {column for _table, _name, column in [*indexes, *foreign]} == {"tenant_id"}


def test_the_same_id_in_two_tenants_is_no_conflict_and_no_answer(control: Control, api: Control) -> None:
    """A new tenant may take every id that another has; the database answers as if the other were not there."""
    principal = {"principal_id": "reader", "kind": "service", "title": "Reader", "permissions": []}
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "initech", "title": "I", "state": "active"})
    with api.transaction("api", "initech") as connection:
        changes.insert(connection, tables.principal, {"tenant_id": "initech"} | principal)
    assert counts(api, "initech")["principal"] == 1


WRITES = [
    "INSERT INTO salt SELECT 'globex', 'x', now(), 'x', now(), 'x', NULL",
    "UPDATE salt SET tenant_id = 'globex'",
    "INSERT INTO audit VALUES ('globex', 99, now(), 'x', 'x', 'x', NULL, NULL)",
]


@pytest.mark.parametrize("statement", WRITES)
def test_writes_for_another_tenant_are_refused_and_the_error_names_none(api: Control, statement: str) -> None:
    with pytest.raises(StrataError) as caught, api.transaction("api", "acme") as connection:
        connection.execute(text(statement))
    assert "globex" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "statement",
    ["UPDATE salt SET salt = 'x' WHERE tenant_id = 'globex'", "UPDATE principal SET title = 'x' WHERE title <> ''"],
)
def test_updates_reach_no_other_tenants_rows(control: Control, api: Control, statement: str) -> None:
    with control.reading("globex") as connection:
        before = [connection.execute(table.select()).all() for table in tables.TENANT_TABLES]
    with api.transaction("api", "acme") as connection:
        connection.execute(text(statement))
    with control.reading("globex") as connection:
        assert [connection.execute(table.select()).all() for table in tables.TENANT_TABLES] == before


def test_an_upsert_on_another_tenants_key_tells_nothing_of_its_values(api: Control) -> None:
    statement = (
        "INSERT INTO salt SELECT 'globex', 'x', now(), 'x', now(), 'x', NULL "
        "ON CONFLICT (tenant_id) DO UPDATE SET salt = 'x' RETURNING salt"
    )
    with pytest.raises(StrataError) as caught, api.transaction("api", "acme") as connection:
        connection.execute(text(statement))
    assert "globex" not in str(caught.value)


@pytest.mark.parametrize(
    "probe",
    [
        "SELECT 1 / (CASE WHEN tenant_id = 'globex' THEN 0 ELSE 1 END) FROM tenant",
        "SELECT CAST(salt AS integer) FROM salt WHERE tenant_id = 'globex'",
        "SELECT tenant_id::integer FROM audit WHERE tenant_id <> 'acme'",
    ],
)
def test_an_error_that_only_another_tenants_row_would_raise_is_not_raised(api: Control, probe: str) -> None:
    with api.reading("acme") as connection:
        connection.execute(text(probe)).all()


def test_statistics_and_plans_tell_the_tenant_nothing_of_others(admin: Admin, api: Control) -> None:
    admin.execute("ANALYZE")
    with api.reading("acme") as connection:
        assert connection.execute(text("SELECT * FROM pg_stats WHERE tablename = 'tenant'")).all() == []


def test_the_secret_of_removed_names_is_the_operators_alone(control: Control, api: Control) -> None:
    for table in ("installation", "removed"):
        with pytest.raises(SettingsError, match="refuses this"), api.reading("acme") as connection:
            connection.execute(text(f"SELECT * FROM {table}"))
    with control.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM installation")).scalar() == 1


def test_a_tenant_sees_its_own_plan_alone(control: Control, api: Control) -> None:
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.plan, {"plan_id": "globex_special", "title": "Globex special"})
    with api.reading("acme") as connection:
        assert connection.execute(text("SELECT plan_id FROM plan")).scalars().all() == ["gold"]


def test_nothing_of_a_session_survives_in_the_pool(control: Control) -> None:
    with control.transaction("ops@host", "acme") as connection:
        first = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        # What an injected or careless statement could leave: settings of the session, not of the transaction.
        connection.execute(text("SELECT set_config('strata.tenant', 'acme', false)"))
        connection.execute(text("CREATE TEMP TABLE mine AS SELECT * FROM tenant"))
        connection.execute(text("SET SESSION ROLE strata_operator"))
        connection.execute(text("SET search_path = pg_temp"))
    with control.engine.connect() as connection:
        state = connection.execute(
            text("SELECT pg_backend_pid(), current_user, current_setting('strata.tenant', true), to_regclass('mine')")
        ).one()
    assert state[0] == first  # it is the same session
    assert state[1] == OWNER
    assert not state[2]
    assert state[3] is None


def test_a_failed_transaction_returns_a_clean_session_too(control: Control) -> None:
    broken = "SELECT 1 / 0 FROM (SELECT set_config('strata.tenant', 'acme', false) AS setting) WHERE setting = 'acme'"
    with pytest.raises(StrataError), control.transaction("ops@host", "acme") as connection:
        connection.execute(text(broken))
    with control.engine.connect() as connection:
        assert not connection.execute(text("SELECT current_setting('strata.tenant', true)")).scalar()


OPERATORS_ALONE = [
    "UPDATE tenant SET plan_id = 'gold'",
    "UPDATE tenant SET state = 'active'",
    "UPDATE plan SET quotas = '{}'",
    "DELETE FROM audit",
    "DELETE FROM salt",
]


@pytest.mark.parametrize("statement", OPERATORS_ALONE)
def test_who_is_limited_to_a_tenant_changes_neither_its_plan_nor_its_state_nor_its_trail(
    api: Control, statement: str
) -> None:
    with pytest.raises(SettingsError, match="refuses this"), api.transaction("api", "acme") as connection:
        connection.execute(text(statement))


def test_reading_cannot_write(control: Control) -> None:
    with pytest.raises(StrataError), control.reading("acme") as connection:
        connection.execute(text("UPDATE principal SET title = 'x'"))


def test_the_drivers_own_error_would_have_shown_the_row(control: Control) -> None:
    """Why the driver's text is dropped: it quotes the row that failed."""
    with control.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE strata_operator"))
        with pytest.raises(DBAPIError, match="acme"):
            connection.execute(text("UPDATE tenant SET state = 'nowhere' WHERE tenant_id = 'acme'"))
