"""Find a key without its tenant, and the audit trail of all tenants by time."""

from __future__ import annotations

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Make the indexes; none is unique, for that would tell of other tenants."""
    op.create_index("ix_api_key_key_id", "api_key", ["key_id"])
    op.create_index("ix_audit_at", "audit", ["at"])


def downgrade() -> None:
    """Drop the indexes."""
    op.drop_index("ix_audit_at", "audit")
    op.drop_index("ix_api_key_key_id", "api_key")
