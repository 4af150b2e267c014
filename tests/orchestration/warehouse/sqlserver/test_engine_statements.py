"""What the engine says to a warehouse in the life of a small installation, a server can be told too.

The life is lived on DuckDB; each statement that names the warehouse's tables is written for SQL Server and read again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

sys.path.insert(0, str(Path(__file__).parents[2] / "access"))

from house import House

from orchestration.alerts import raise_alert, recover
from orchestration.cli.day_summary import read_mark, summarize
from orchestration.failures import FailureClass
from orchestration.names import BRONZE_PREFIX, Table
from orchestration.tenancy.erasing.erase import erase_person
from orchestration.tenancy.erasing.wanted import read_wanted
from orchestration.tenancy.export import export_tenant
from orchestration.warehouse.duckdb import DuckDBSession
from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.routing import Route, Routed, read_statement

ONLY_DUCKDB = (
    exp.ArgMax, exp.List, exp.Array, exp.RegexpLike, exp.RegexpReplace, exp.StartsWith, exp.Struct, exp.MD5, exp.ILike,
    exp.LogicalAnd, exp.LogicalOr, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Filter, exp.Qualify, exp.Pivot,
)  # fmt: skip
KNOWN = frozenset({"OPENJSON", "JSON_VALUE"})

Said = tuple[Routed, frozenset[Table]]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, frozenset[Table]], Said]:
    """Each statement of the warehouse's tables, with the tables of which it had a working copy."""
    found: dict[tuple[str, frozenset[Table]], Said] = {}
    with pytest.MonkeyPatch.context() as patch:
        _listen(patch, found)
        _live(tmp_path_factory.mktemp("life"))
    return found


def _listen(patch: pytest.MonkeyPatch, found: dict[tuple[str, frozenset[Table]], Said]) -> None:
    real, borrow, at_hand = DuckDBSession.execute, DuckDBSession.working_copy, list[Table]()

    def execute(self: DuckDBSession, sql: str, parameters: Sequence[object] | None = None) -> list[Any]:
        routed, borrowed = read_statement(sql), frozenset(at_hand)
        if routed is not None and routed.reads | routed.writes:
            found[sql, borrowed] = routed, borrowed
        return real(self, sql, parameters)

    @contextmanager
    def working_copy(self: DuckDBSession, table: Table, *args: Any, **more: Any) -> Iterator[None]:
        at_hand.append(table)
        try:
            with borrow(self, table, *args, **more):
                yield
        finally:
            at_hand.remove(table)

    patch.setattr(DuckDBSession, "execute", execute)
    patch.setattr(DuckDBSession, "working_copy", working_copy)


def _live(folder: Path) -> None:
    house = House(folder)
    house.found()
    mark = read_mark(house.runtime)
    for status in ("paid", "open"):
        for number in (1, 2, 3):
            house.put("acme", number, status=status)
        house.put("acme", 9, status=f"no such status {status}")
        house.load("acme")
        house.publish()
    house.close("acme")
    with house.runtime.warehouse.session("alerts") as session:
        for _ in range(2):
            raise_alert(session, FailureClass.CONTRACT, "load till/bill", "gone", "till-team", tenant="acme")
        recover(session, "load till/bill")
    summarize(house.runtime, mark, ["b"])
    export_tenant(house.runtime, "acme", folder / "export")
    person = read_wanted(house.runtime.sources, entity="till/bill", key='{"id": 1}', value=None)
    erase_person(house.runtime, "acme", person)


def _for_the_server(said: dict[tuple[str, frozenset[Table]], Said]) -> Iterator[tuple[str, exp.Expr]]:
    for (sql, _), (routed, borrowed) in said.items():
        match routed.route(borrowed):
            case Route.REMOTE if not isinstance(routed.tree, exp.Create):
                yield sql, routed.tree
            case Route.FETCH if routed.query is not None:
                yield sql, routed.query


def test_every_statement_is_read_as_tsql(said: dict[tuple[str, frozenset[Table]], Said]) -> None:
    for sql, tree in _for_the_server(said):
        read = sqlglot.parse_one(to_tsql(tree).sql.replace("?", "@p"), read="tsql")
        foreign = {type(node).__name__ for node in read.find_all(*ONLY_DUCKDB)}
        unknown = {call.name.upper() for call in read.find_all(exp.Anonymous)} - KNOWN
        assert (foreign, unknown) == (set(), set()), sql


def test_nothing_is_written_from_both_sides_without_a_working_copy(
    said: dict[tuple[str, frozenset[Table]], Said],
) -> None:
    """Bronze itself is merged by each engine in its own way."""
    mixed = [
        sql
        for (sql, _), (routed, borrowed) in said.items()
        if routed.route(borrowed) is Route.COPIES
        and any(not schema.startswith(BRONZE_PREFIX) for schema, _ in routed.writes - borrowed)
    ]
    assert mixed == []


def test_the_life_says_enough_to_be_worth_reading(said: dict[tuple[str, frozenset[Table]], Said]) -> None:
    named = {table for routed, _ in said.values() for table in routed.reads | routed.writes if table[0] == "strata"}
    assert len({sql for sql, _ in said}) > 80
    assert {name for _, name in named} >= {"load_ledger", "load_state", "quarantine", "alert", "erasure", "close_log"}
