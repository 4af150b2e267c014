"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "${up_revision}", ${repr(down_revision)}


def upgrade() -> None:
    """Bring the schema up; a filled database loses nothing."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take it back; a filled database loses nothing."""
    ${downgrades if downgrades else "pass"}
