"""A table that cannot be altered is made anew beside itself: with its rows, and all that hangs on it, and no gap."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shop_tables import contract_of, fill, retyped

from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.settings import Settings
from orchestration.warehouse import apply
from orchestration.warehouse.sqlserver.connecting import connect, connection_string
from orchestration.warehouse.sqlserver.session import SqlServerSession

READER = """
import sys
from pathlib import Path
import mssql_python

cursor = mssql_python.connect(sys.stdin.readline(), autocommit=True).cursor()
seen, ready = {}, False
while not Path(sys.argv[1]).exists():
    for place in ("bronze_shop.sale", "bronze_shop.notes"):
        cursor.execute(f"SELECT COUNT(*), SUM(line) FROM {place}")
        seen[str((place, *map(int, cursor.fetchall()[0])))] = True
    if not ready:
        print("ready", flush=True)
        ready = True
print(sorted(seen), flush=True)
"""
ROWS = 2_000
pytestmark = [pytest.mark.sqlserver, pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)]


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return contract_of(tmp_path, {"line": "bigint", "note": "text", "total": "decimal(18,4)"}, required=["line"])


@pytest.fixture
def filled(session: SqlServerSession, contract: Contract) -> SqlServerSession:
    """A table with rows, a column that no contract names, an index of somebody's own, and a view upon a view."""
    apply.apply(session, [contract])
    session.run("ALTER TABLE bronze_shop.sale ADD forgotten nvarchar(20) NULL")
    fill(session, ROWS, line="id % 7", note="'Größe ' || id", total="id * 1.25", forgotten="'kept ' || id")
    session.run("CREATE INDEX by_line ON bronze_shop.sale (line DESC, total)")
    session.run("CREATE VIEW bronze_shop.noted AS SELECT id, line, note, total FROM bronze_shop.sale")
    session.run("CREATE VIEW bronze_shop.notes AS SELECT id, line, note FROM bronze_shop.noted WHERE total >= 0")
    return session


def rekeyed(contract: Contract) -> Contract:
    return replace(contract, key=("id", "line"))


def narrowed(contract: Contract) -> Contract:
    return retyped(contract, "total", scale=2)


def state(session: SqlServerSession) -> list[Any]:
    return session.run("SELECT id, line, note, forgotten FROM bronze_shop.sale ORDER BY id")


def indexes(session: SqlServerSession) -> set[tuple[bool, tuple[str, ...]]]:
    from orchestration.warehouse.sqlserver.dependents import indexes as found

    return {(item.is_unique, tuple(item.ordered)) for item in found(session.run, ("bronze_shop", "sale"))}


@pytest.mark.parametrize("changed", [rekeyed, narrowed])
def test_rows_views_and_indexes_are_there_again(filled: SqlServerSession, contract: Contract, changed: Any) -> None:
    before, wanted = state(filled), changed(contract)
    (change,) = apply.plan(filled, [wanted])
    assert (change.rebuilds, change.refusal) == (True, None)
    assert "EXEC sp_rename N'[bronze_shop].[strata_rebuilt_sale]', N'sale', N'OBJECT'" in change.sql
    apply.apply(filled, [wanted])
    assert apply.plan(filled, [wanted]) == []
    assert state(filled) == before
    key = ("[_tenant_id]", "[_connection]", *(f"[{name}]" for name in wanted.key))
    assert indexes(filled) == {(True, key), (False, ("[line] DESC", "[total]"))}
    filled.run("UPDATE bronze_shop.sale SET note = 'new' WHERE id = 5")
    assert filled.run("SELECT note FROM bronze_shop.notes WHERE id = 5") == [("new",)], "views read the new table"


def test_a_reader_meets_no_gap(
    filled: SqlServerSession, contract: Contract, settings: Settings, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(stop)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        reader.stdin.write(connection_string(settings) + "\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "ready\n"
        try:
            apply.apply(filled, [rekeyed(contract)])
            apply.apply(filled, [narrowed(rekeyed(contract))])
        finally:
            stop.touch()
        output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    total = sum(number % 7 for number in range(ROWS))
    places = ("bronze_shop.notes", "bronze_shop.sale")
    assert output.strip() == str([str((place, ROWS, total)) for place in places])


@pytest.fixture
def other(settings: Settings) -> Iterator[Any]:
    connection = connect(settings)
    yield connection
    connection.close()


def test_a_swap_waits_for_a_reader_and_is_tried_again(filled: SqlServerSession, contract: Contract, other: Any) -> None:
    """He reads for longer than one swap waits."""
    cursor = other.cursor()
    cursor.execute("BEGIN TRANSACTION")
    cursor.execute("SELECT COUNT(*) FROM bronze_shop.sale WITH (HOLDLOCK)")
    cursor.fetchall()
    done = threading.Timer(3, lambda: cursor.execute("COMMIT"))
    done.start()
    apply.apply(filled, [rekeyed(contract)])
    done.join()
    assert apply.plan(filled, [rekeyed(contract)]) == []
    assert filled.run("SELECT COUNT(*) FROM bronze_shop.notes") == [(ROWS,)]


def test_a_key_that_rows_do_not_have_is_refused(filled: SqlServerSession, contract: Contract) -> None:
    before = state(filled)
    with pytest.raises(ContractViolated, match=f"{ROWS - 7:,}|7 keys come twice"):
        apply.apply(filled, [replace(contract, key=("line",))])
    assert state(filled) == before


@pytest.mark.parametrize("left", ["dbo.strata_bulk_0123", "bronze_shop.strata_rebuilt_sale"])
def test_what_a_killed_process_left_goes_with_the_next_apply(
    session: SqlServerSession, contract: Contract, left: str
) -> None:
    apply.apply(session, [contract])
    session.run(f"CREATE TABLE {left} (a int)")
    (change,) = apply.plan(session, [contract])
    assert left in change.description
    apply.apply(session, [contract])
    assert session.run("SELECT OBJECT_ID(?)", left) == [(None,)]


def test_a_rebuild_that_was_killed_begins_anew(filled: SqlServerSession, contract: Contract) -> None:
    before = state(filled)
    filled.run("CREATE TABLE bronze_shop.strata_rebuilt_sale (half int)")
    apply.apply(filled, [rekeyed(contract)])
    assert state(filled) == before
    assert "strata_rebuilt_sale" not in filled.tables("bronze_shop")


def rebuild_and_fail(session: SqlServerSession, contract: Contract) -> None:
    with session.transaction():
        apply.apply(session, [contract])
        assert apply.plan(session, [contract]) == []
        raise RuntimeError("thought better of it")


def test_a_rebuild_within_a_transaction_is_undone_with_it(filled: SqlServerSession, contract: Contract) -> None:
    before, kept = state(filled), indexes(filled)
    with pytest.raises(RuntimeError, match="thought better of it"):
        rebuild_and_fail(filled, rekeyed(contract))
    assert (state(filled), indexes(filled)) == (before, kept)
