"""The schema may change while deliveries are under way: whoever has them is heard afterwards, the rest goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.control import Control, schema
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.rescue import rescue
from orchestration.failures import SettingsError

from .queue_scene import LEASE, NOW, books, end, enqueue, ids, register, row_of, states, take

_NEXT = '''
"""Make the table of deliveries anew with another column, as a later version may."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "9000", "{head}"


def upgrade():
    with op.batch_alter_table("delivery", recreate="auto") as table:
        table.add_column(sa.Column("extra", sa.Integer(), nullable=True))
        table.alter_column("message", existing_type=sa.Text(), type_=sa.Unicode(4000))


def downgrade():
    with op.batch_alter_table("delivery", recreate="auto") as table:
        table.alter_column("message", existing_type=sa.Unicode(4000), type_=sa.Text())
        table.drop_column("extra")
'''


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let there be a revision after the last, which writes the table of deliveries anew; returns its name."""
    copied = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "versions" / "v9000_next.py").write_text(_NEXT.format(head=schema.HEAD))
    monkeypatch.setattr(schema, "MIGRATIONS", copied)
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9000"))
    monkeypatch.setattr(schema, "HEAD", "9000")
    return "9000"


def test_what_was_leased_before_an_upgrade_and_a_way_back_is_settled_after_them(
    control: Control, request: pytest.FixtureRequest
) -> None:
    wish, before = register(control, retries=(1,) * 3), schema.HEAD
    names = enqueue(control, wish, 6, version=1)
    for_the_upgrade, for_the_way_back = take(control, room=Room(2, 2, 2)), take(control, room=Room(2, 2, 2))
    schema._checked.clear()
    after = request.getfixturevalue("next_version")
    with pytest.raises(SettingsError, match=f"schema is {before}; this version needs {after}"):
        end(control, NOW, for_the_upgrade)  # the new program waits for the operator, and loses nothing by it
    assert schema.upgrade(control, after) == after
    assert end(control, NOW, for_the_upgrade) == []
    schema.downgrade(control, before)
    schema.upgrade(control, after)
    assert end(control, NOW, for_the_way_back[:1], DeliveryFailure.SERVER_ERROR) == []
    assert end(control, NOW, for_the_way_back[1:]) == []
    assert states(control) == {"delivered": 3, "waiting": 1, "ready": 2}
    with control.transaction("worker") as connection:
        promote(connection, NOW + 10_000, 10)
    end(control, NOW + 10_000, take(control, NOW + 10_000))
    assert books(control, 4).delivered == set(names)


def test_what_a_worker_had_that_did_not_outlive_the_upgrade_is_taken_over(
    here: Control, request: pytest.FixtureRequest
) -> None:
    (name,) = enqueue(here, register(here), version=1)
    (lost,) = take(here)
    schema.upgrade(here, request.getfixturevalue("next_version"))
    with here.transaction("worker") as connection:
        assert rescue(connection, NOW + LEASE + 1) == 1
    heirs = take(here, NOW + LEASE + 1)
    assert ids(heirs) == [name]
    assert ids(end(here, NOW + LEASE + 2, [lost])) == [name]  # whoever had it comes too late
    assert end(here, NOW + LEASE + 2, heirs) == []
    assert (row_of(here, name).state, row_of(here, name).attempts) == ("delivered", 2)


def test_whose_delivery_went_with_the_schema_is_told_so_and_breaks_nothing(here: Control) -> None:
    """The way back before there were deliveries takes them along; a worker that still has one is not heard."""
    wish = register(here)
    enqueue(here, wish, version=1)
    held = take(here)
    schema.downgrade(here, "0003")
    with pytest.raises(SettingsError, match="schema is 0003; this version needs"):
        end(here, NOW, held)
    schema.upgrade(here)
    assert end(here, NOW, held) == held
