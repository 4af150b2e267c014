"""Let the database itself guard: the audit trail only grows, and PostgreSQL shows a tenant its own rows alone."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0002", "0001"

TENANT_TABLES = ("tenant", "connection", "principal", "api_key", "salt", "audit")
MINE = "tenant_id = current_setting('strata.tenant', true)"
"""Unset it is NULL, after another transaction it is empty: both show no row. Never ``OR … IS NULL``."""


def upgrade() -> None:
    """Set the guards up for the kind of database that this is."""
    for statement in _UP[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Take the guards away. PostgreSQL's roles stay: they belong to the whole server."""
    for statement in _DOWN[op.get_bind().dialect.name]:
        op.execute(statement)


_SQLITE = (
    """CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    """CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE tenant_id = OLD.tenant_id AND state = 'removing')
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    # INSERT OR REPLACE deletes without asking the trigger above, unless recursive triggers are on.
    """CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE tenant_id = NEW.tenant_id AND audit_id = NEW.audit_id)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
)

_ROLE = """DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
    END IF;
    IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
        GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END $$"""

_POSTGRESQL = (
    """CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT 1 FROM tenant WHERE tenant_id = OLD.tenant_id AND state = 'removing'
    ) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
    END $$""",
    """CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows()""",
    """CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()""",
    *(_ROLE.format(role=role) for role in ("strata_app", "strata_operator")),
    *(
        statement
        for table in TENANT_TABLES
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            # Without this the owner of the tables would see every row.
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY own_tenant ON {table} TO strata_app USING ({MINE}) WITH CHECK ({MINE})",
            f"CREATE POLICY all_tenants ON {table} TO strata_operator USING (true) WITH CHECK (true)",
        )
    ),
    "ALTER TABLE plan ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE plan FORCE ROW LEVEL SECURITY",
    # A plan may be named after the one tenant that has it.
    """CREATE POLICY own_plan ON plan FOR SELECT TO strata_app
    USING (plan_id IN (SELECT tenant.plan_id FROM tenant))""",
    "CREATE POLICY all_plans ON plan TO strata_operator USING (true) WITH CHECK (true)",
    """DO $$ BEGIN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO strata_app, strata_operator', current_schema());
    END $$""",
    "GRANT SELECT ON alembic_version TO PUBLIC",
    # Who is limited to a tenant changes neither its plan nor its state.
    "GRANT SELECT ON plan, tenant TO strata_app",
    "GRANT SELECT, INSERT, UPDATE ON connection, principal, api_key, salt TO strata_app",
    "GRANT SELECT, INSERT ON audit TO strata_app",
    """GRANT SELECT, INSERT, UPDATE, DELETE
    ON installation, removed, plan, tenant, connection, principal, api_key, salt TO strata_operator""",
    "GRANT SELECT, INSERT, DELETE ON audit TO strata_operator",
)

_SQLSERVER = (
    """CREATE TRIGGER audit_only_grows ON audit INSTEAD OF UPDATE, DELETE AS
    BEGIN
        SET NOCOUNT ON;
        IF NOT EXISTS (SELECT 1 FROM deleted) RETURN;
        IF EXISTS (SELECT 1 FROM inserted) OR EXISTS (
            SELECT 1 FROM deleted AS gone WHERE NOT EXISTS (
                SELECT 1 FROM tenant WHERE tenant.tenant_id = gone.tenant_id AND tenant.state = 'removing'))
            THROW 50001, 'the audit trail is append-only', 1;
        DELETE audit FROM audit JOIN deleted AS gone
            ON audit.tenant_id = gone.tenant_id AND audit.audit_id = gone.audit_id;
    END""",
)

_UP = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mssql": _SQLSERVER}

_DOWN = {
    "sqlite": tuple(f"DROP TRIGGER {name}" for name in ("audit_no_update", "audit_no_delete", "audit_no_replace")),
    "postgresql": (
        "REVOKE ALL ON alembic_version FROM PUBLIC",
        """REVOKE ALL ON installation, removed, plan, tenant, connection, principal, api_key, salt, audit
        FROM strata_app, strata_operator""",
        "DROP POLICY own_plan ON plan",
        "DROP POLICY all_plans ON plan",
        "ALTER TABLE plan NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE plan DISABLE ROW LEVEL SECURITY",
        *(
            statement
            for table in TENANT_TABLES
            for statement in (
                f"DROP POLICY own_tenant ON {table}",
                f"DROP POLICY all_tenants ON {table}",
                f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            )
        ),
        "DROP TRIGGER audit_only_grows ON audit",
        "DROP TRIGGER audit_is_not_emptied ON audit",
        "DROP FUNCTION audit_only_grows()",
    ),
    "mssql": ("DROP TRIGGER audit_only_grows",),
}
