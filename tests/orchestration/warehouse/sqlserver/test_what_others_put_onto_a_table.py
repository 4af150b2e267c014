"""Constraints, foreign keys, triggers and notes that others put onto a table are there again after it was made anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from shop_tables import contract_of

from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.warehouse import apply
from orchestration.warehouse.sqlserver import attached
from orchestration.warehouse.sqlserver.attached import ForeignKey
from orchestration.warehouse.sqlserver.dependents import Index
from orchestration.warehouse.sqlserver.session import SqlServerSession

TABLE = ("bronze_shop", "sale")
PLACE = "[bronze_shop].[sale]"


def test_a_constraint_comes_back_as_sure_and_as_strict_as_it_was() -> None:
    body = "CHECK (([line]>(0)))"
    assert attached.constraint(TABLE, "c]k", body) == f"ALTER TABLE {PLACE} ADD CONSTRAINT [c]]k] {body}"
    doubtful = f"ALTER TABLE {PLACE} WITH NOCHECK ADD CONSTRAINT [ck] {body}"
    assert attached.constraint(TABLE, "ck", body, is_untrusted=True) == doubtful
    off = f"{doubtful}; ALTER TABLE {PLACE} NOCHECK CONSTRAINT [ck]"
    assert attached.constraint(TABLE, "ck", body, is_disabled=True, is_untrusted=True) == off


def test_defaults_masks_and_notes_have_their_statements() -> None:
    assert attached.default(TABLE, "df", "(getdate())", "at").endswith("DEFAULT (getdate()) FOR [at]")
    assert attached.mask(TABLE, "note", "partial(1, '*', 0)").endswith("(FUNCTION = 'partial(1, ''*'', 0)')")
    place = "N'SCHEMA', N'bronze_shop', N'TABLE', N'sale'"
    assert attached.note(TABLE, "why", "Anna's") == f"EXEC sp_addextendedproperty N'why', N'Anna''s', {place}"
    assert attached.note(TABLE, "why", "x", "id").endswith(f"{place}, N'COLUMN', N'id'")


def test_a_trigger_that_was_off_stays_off() -> None:
    text = "CREATE TRIGGER told ON bronze_shop.sale AFTER INSERT AS SELECT 1"
    assert attached.trigger(TABLE, "told", text, off=False) == [text]
    assert attached.trigger(TABLE, "told", text, off=True) == [text, f"ALTER TABLE {PLACE} DISABLE TRIGGER [told]"]


def test_a_foreign_key_of_another_table_gives_way_and_comes_back() -> None:
    key = ForeignKey("fk", ("dbo", "log"), ["sale id"], TABLE, ["id"], ("SET_NULL", "NO_ACTION"))
    assert key.drop() == "ALTER TABLE [dbo].[log] DROP CONSTRAINT [fk]"
    rule = "FOREIGN KEY ([sale id]) REFERENCES [bronze_shop].[sale] ([id]) ON DELETE SET NULL ON UPDATE NO ACTION"
    assert key.create() == f"ALTER TABLE [dbo].[log] ADD CONSTRAINT [fk] {rule}"


@pytest.mark.parametrize(
    ("index", "statement"),
    [
        (Index("i", ["a"], ["[a] DESC"], ["b"]), f"CREATE INDEX [i] ON {PLACE} ([a] DESC) INCLUDE ([b])"),
        (Index("i", ["a"], ["[a]"], condition="([a]>(3))"), f"CREATE INDEX [i] ON {PLACE} ([a]) WHERE ([a]>(3))"),
        (Index("i", ["a"], ["[a]"], kind="CLUSTERED "), f"CREATE CLUSTERED INDEX [i] ON {PLACE} ([a])"),
        (
            Index("i", [], [], ["a", "b"], kind="CLUSTERED COLUMNSTORE "),
            f"CREATE CLUSTERED COLUMNSTORE INDEX [i] ON {PLACE}",
        ),
        (
            Index("i", [], [], ["a", "b"], kind="NONCLUSTERED COLUMNSTORE "),
            f"CREATE NONCLUSTERED COLUMNSTORE INDEX [i] ON {PLACE} ([a], [b])",
        ),
        (
            Index("pk", ["a"], ["[a]"], kind="CLUSTERED ", constraint="PRIMARY KEY"),
            f"ALTER TABLE {PLACE} ADD CONSTRAINT [pk] PRIMARY KEY CLUSTERED ([a])",
        ),
        (
            Index("uq", ["a"], ["[a]"], constraint="UNIQUE"),
            f"ALTER TABLE {PLACE} ADD CONSTRAINT [uq] UNIQUE NONCLUSTERED ([a])",
        ),
    ],
)
def test_an_index_comes_back_as_it_was(index: Index, statement: str) -> None:
    assert index.create(TABLE) == statement


server = pytest.mark.sqlserver
on_server = pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """A sale's lines, by the sale's number."""
    return contract_of(tmp_path, {"line": "bigint", "note": "text"}, required=["line"])


@pytest.fixture
def carrying(session: SqlServerSession, contract: Contract) -> SqlServerSession:
    """A table of two rows, with everything that a user of the server may put onto it."""
    apply.apply(session, [contract])
    for statement in (
        (
            f"INSERT INTO {PLACE} (_tenant_id, _connection, id, line, note) "
            "VALUES ('a', 'm', 1, 1, 'x'), ('a', 'm', 2, 2, 'y')"
        ),
        f"ALTER TABLE {PLACE} ADD CONSTRAINT df_note DEFAULT N'nothing''s said' FOR note",
        f"ALTER TABLE {PLACE} ADD CONSTRAINT ck_line CHECK (line > 0 AND line < 100)",
        f"ALTER TABLE {PLACE} ADD CONSTRAINT uq_line UNIQUE (line)",
        "CREATE TABLE dbo.kind (line bigint NOT NULL CONSTRAINT pk_kind PRIMARY KEY)",
        "INSERT INTO dbo.kind VALUES (1), (2), (3)",
        f"ALTER TABLE {PLACE} ADD CONSTRAINT fk_kind FOREIGN KEY (line) REFERENCES dbo.kind (line)",
        f"CREATE TABLE dbo.remark (line bigint CONSTRAINT fk_remark REFERENCES {PLACE} (line) ON DELETE CASCADE)",
        "INSERT INTO dbo.remark VALUES (2)",
        "CREATE TABLE dbo.told (id bigint)",
        (
            "CREATE TRIGGER bronze_shop.tell ON bronze_shop.sale AFTER INSERT AS "
            "BEGIN INSERT INTO dbo.told SELECT id FROM inserted WHERE note <> '?' END"
        ),
        "EXEC sp_addextendedproperty N'owner', N'Anna''s', N'SCHEMA', N'bronze_shop', N'TABLE', N'sale'",
        "EXEC sp_addextendedproperty N'in', N'pcs', N'SCHEMA', N'bronze_shop', N'TABLE', N'sale', N'COLUMN', N'line'",
    ):
        session.run(statement)
    return session


def refused(session: SqlServerSession, statement: str) -> bool:
    try:
        session.run(statement)
    except Exception:  # noqa: BLE001 - each server says it in its own way
        return True
    return False


@server
@on_server
@pytest.mark.proves("Contract changes: a changed key, rebuilds")
def test_everything_works_on_the_new_table_as_it_did_on_the_old(carrying: SqlServerSession, contract: Contract) -> None:
    apply.apply(carrying, [replace(contract, key=("id", "line"))])
    assert carrying.run(f"SELECT COUNT(*) FROM {PLACE}") == [(2,)]
    insert = f"INSERT INTO {PLACE} (_tenant_id, _connection, id, line) VALUES ('a', 'm',"
    carrying.run(f"{insert} 3, 3)")
    assert carrying.run(f"SELECT note FROM {PLACE} WHERE id = 3") == [("nothing's said",)], "the default"
    assert carrying.run("SELECT id FROM dbo.told") == [(3,)], "the trigger told of the new row, and of no copied one"
    assert refused(carrying, f"{insert} 4, 100)"), "the check"
    assert refused(carrying, f"{insert} 4, 3)"), "the unique constraint"
    assert refused(carrying, f"{insert} 4, 4)"), "the foreign key to another table"
    assert refused(carrying, "INSERT INTO dbo.remark VALUES (9)"), "the foreign key of another table"
    carrying.run(f"DELETE FROM {PLACE} WHERE line = 2")
    assert carrying.run("SELECT COUNT(*) FROM dbo.remark") == [(0,)], "its rule"
    notes = attached.attached(carrying.run, carrying.capabilities, TABLE).statements[-2:]
    assert ["N'Anna''s'" in notes[0], "N'line'" in notes[1]] == [True, True]


@server
@on_server
def test_what_cannot_be_brought_along_is_named_before_anything_changes(
    session: SqlServerSession, contract: Contract
) -> None:
    apply.apply(session, [contract])
    session.run(f"ALTER TABLE {PLACE} ADD twice AS line * 2")
    session.run(f"ALTER TABLE {PLACE} ADD counted int IDENTITY(1, 1)")
    marked = "CREATE TABLE dbo.mark (t nvarchar(128) NOT NULL, c nvarchar(128) NOT NULL, id bigint NOT NULL, "
    key = f"CONSTRAINT fk_mark FOREIGN KEY (t, c, id) REFERENCES {PLACE} (_tenant_id, _connection, id))"
    session.run(marked + key)
    with pytest.raises(ContractViolated, match="cannot be brought along") as refusal:
        apply.apply(session, [replace(contract, key=("id", "line"))])
    named = (
        "computed column twice, identity column counted, foreign key fk_mark of dbo.mark to _tenant_id, _connection, id"
    )
    assert named in str(refusal.value)
    assert "strata_rebuilt_sale" not in session.tables("bronze_shop")
    assert [item.name for item in attached.attached(session.run, session.capabilities, TABLE).foreign_keys] == [
        "fk_mark"
    ]
