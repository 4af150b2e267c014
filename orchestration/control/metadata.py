"""What all tables of the control plane share: names of constraints, stamps, and the mark of secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, MetaData

from orchestration.control.types import Json, Name, UtcTime

SECRET = "secret"  # noqa: S105 - the name of a mark
"""The mark, in a column's ``info``, of values that are never shown."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def stamps() -> tuple[Column[Any], ...]:
    """Say who made and last changed a row, and since when it is deleted."""
    return (
        Column("created_at", UtcTime, nullable=False),
        Column("created_by", Name, nullable=False),
        Column("updated_at", UtcTime, nullable=False),
        Column("updated_by", Name, nullable=False),
        Column("deleted_at", UtcTime),
    )


def json_of(name: str) -> Column[Any]:
    """Return a column that holds an object, empty where nothing is given."""
    return Column(name, Json, nullable=False, default=dict)


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Limit a column to some words.

    Spelled out: for an IN of more than two words SQLite fills a table of them with each statement that writes, and
    looks each row up in it, which was a sixth of what changing a delivery took.
    """
    return CheckConstraint(" OR ".join(f"{column} = {value!r}" for value in values), name=column)
