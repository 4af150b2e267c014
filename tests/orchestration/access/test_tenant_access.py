"""What a tenant gets, and what it does not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from house import BRONZE, GOLD, House

from orchestration.access import Comparison, Permission, Question
from orchestration.access.comparison import parse_comparison
from orchestration.access.refusals import Forbidden, NotFound, Suspended, Unanswerable
from orchestration.control import changes, tables


def rows(house: House, question: Question, tenant: str = "acme") -> list[dict]:
    return house.access(tenant).read(GOLD, question).to_pylist()


@pytest.fixture(scope="module")
def priced(standing: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """acme's bills cost 1, 2 and 3."""
    house = standing.another(tmp_path_factory.mktemp("priced"))
    house.put("acme", 2, amount=Decimal("2.00"))
    house.put("acme", 3, amount=Decimal("3.00"))
    house.load("acme")
    house.publish()
    return house


@pytest.fixture(scope="module")
def eleven(standing: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """acme has eleven bills, some without an amount, many with the same."""
    house = standing.another(tmp_path_factory.mktemp("eleven"))
    for number in range(1, 12):
        amount = None if number % 4 == 0 else Decimal(number % 3)
        house.put("acme", number, amount=amount, note=f"n{number % 2}")
    house.load("acme")
    house.publish()
    return house


def test_a_tenant_reads_its_own_rows_alone(standing: House) -> None:
    found = rows(standing, Question(columns=["_tenant_id", "id", "note"], order=["id"]))
    assert found == [{"_tenant_id": "acme", "id": n, "note": "note of acme"} for n in (1, 2, 3)]


def test_tables_say_how_many_rows_are_the_tenants_own(house: House) -> None:
    house.put("globex", 4)
    house.load("globex")
    house.publish()
    counts = {item.table: item.rows for item in house.access("acme", Permission.PII).tables()}
    assert counts == {GOLD: 3}


def test_a_table_without_tenants_is_nobodys(standing: House) -> None:
    with pytest.raises(NotFound):
        standing.access("acme").read(("gold", "shared"))


@pytest.mark.parametrize(
    ("comparison", "ids"),
    [
        (Comparison("id", "=", 2), [2]),
        (Comparison("id", "!=", "2"), [1, 3]),
        (Comparison("id", "in", [1, 3, 7]), [1, 3]),
        (Comparison("id", "in", []), []),
        (Comparison("amount", ">", Decimal("1.5")), [2, 3]),
        (Comparison("amount", "<=", "1"), [1]),
        (Comparison("amount", "null"), []),
        (Comparison("amount", "not null"), [1, 2, 3]),
        (Comparison("_tenant_id", "=", "globex"), []),
        (Comparison("note", "=", "' OR true --"), []),
    ],
)
def test_comparisons_narrow_the_rows(priced: House, comparison: Comparison, ids: list[int]) -> None:
    assert [row["id"] for row in rows(priced, Question(where=[comparison], order=["id"]))] == ids


def test_a_value_that_does_not_fit_is_told_without_any_rows_value(standing: House) -> None:
    with pytest.raises(Unanswerable, match="'many' is no BIGINT") as refusal:
        rows(standing, Question(where=[Comparison("id", "=", "many")]))
    assert "globex" not in str(refusal.value)
    # An integer compared with text must not make the engine read every tenant's text as a number.
    assert rows(standing, Question(where=[Comparison("note", "=", 5)])) == []


@pytest.mark.parametrize("name", ['id" FROM x; --', "nothing", "ID "])
def test_a_name_that_is_no_column_is_refused(standing: House, name: str) -> None:
    for question in (
        Question(columns=[name]),
        Question(where=[Comparison(name, "=", 1)]),
        Question(order=[name]),
    ):
        with pytest.raises(Unanswerable, match="no column"):
            rows(standing, question)


@pytest.mark.parametrize(
    "order", [["id"], ["-id"], ["note", "id"], ["-amount", "id"], ["amount", "-id"], ["status", "-amount", "id"]]
)
def test_page_after_page_gives_every_row_once(eleven: House, order: list[str]) -> None:
    whole = rows(eleven, Question(order=order))
    names = [item.removeprefix("-") for item in order]
    seen: list[dict] = []
    while page := rows(
        eleven, Question(order=order, limit=3, after=[seen[-1][name] for name in names] if seen else None)
    ):
        seen += page
    assert seen == whole
    assert len(seen) == 11


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("amount>=100", Comparison("amount", ">=", "100")),
        ("note = a b = c", Comparison("note", "=", "a b = c")),
        ("status in open, paid", Comparison("status", "in", ["open", "paid"])),
        ("closed_at null", Comparison("closed_at", "null", "")),
        ("closed_at not null", Comparison("closed_at", "not null", "")),
        ("col inner", None),
        ("1; DROP TABLE x", None),
    ],
)
def test_comparisons_are_read_as_people_write_them(text: str, comparison: Comparison | None) -> None:
    if comparison is None:
        with pytest.raises(Unanswerable):
            parse_comparison(text)
    else:
        assert parse_comparison(text) == comparison


def test_unknown_and_foreign_tenants_get_the_same_answer(standing: House) -> None:
    def answer(tenant: str) -> str:
        with pytest.raises(NotFound) as refusal:
            standing.access(tenant, of="acme").read(GOLD)
        return str(refusal.value).replace(tenant, "NAME")

    assert answer("globex") == answer("nobody")


def test_a_suspended_tenant_is_refused_at_the_very_next_call(house: House) -> None:
    access = house.access("acme")
    assert access.read(GOLD).num_rows == 3
    house.move("acme", "suspended")
    for call in (access.tables, access.loads, access.quarantine, lambda: access.sql("SELECT 1")):
        with pytest.raises(Suspended, match="acme is suspended"):
            call()
    with pytest.raises(NotFound):
        house.access("acme", of="globex").tables()
    house.move("acme", "active")
    assert access.read(GOLD).num_rows == 3


def test_a_tenant_that_is_being_removed_is_not_found(house: House) -> None:
    house.move("acme", "removing")
    with pytest.raises(NotFound):
        house.access("acme").tables()


def test_unknown_tables_and_paths_are_not_found(standing: House) -> None:
    for table in (("gold", "nothing"), ("..", "home"), ("gold/bill", ".."), ("strata", "load_ledger")):
        with pytest.raises(NotFound):
            standing.access("acme").read(table)


def test_clear_values_of_bronze_need_the_permission(standing: House) -> None:
    question = Question(columns=["email"], order=["id"], limit=1)
    assert standing.access("acme").read(BRONZE, question).to_pylist() == [{"email": "1@acme.example"}]
    with pytest.raises(NotFound):
        standing.access("acme", Permission.PII).read(BRONZE, question)
    assert "acme.example" not in str(rows(standing, Question()))


def test_rejected_rows_show_personal_values_with_the_permission_alone(standing: House) -> None:
    (clear,) = standing.access("acme").quarantine()
    (masked,) = standing.access("acme", Permission.PII).quarantine()
    assert "9@acme.example" in clear.raw_row
    assert "9@acme.example" not in str(masked)
    assert (clear.raw_value, masked.raw_value) == ("bad acme", "bad acme")


def test_a_rejected_row_of_another_tenant_is_not_found(standing: House) -> None:
    (foreign,) = standing.access("globex").quarantine()
    (own,) = standing.access("acme").quarantine()
    assert standing.access("acme").reject(own.quarantine_id) == own
    with pytest.raises(NotFound):
        standing.access("acme").reject(foreign.quarantine_id)


def test_each_permission_opens_its_own_door(standing: House) -> None:
    doors = {
        Permission.READ: lambda access: [access.tables(), access.read(GOLD), access.versions(GOLD)],
        Permission.STATUS: lambda access: [access.loads(), access.alerts(), access.status()],
        Permission.QUARANTINE: lambda access: [access.quarantine(), access.reject("x")],
        Permission.SQL: lambda access: [access.sql("SELECT 1")],
    }
    for permission, door in doors.items():
        with pytest.raises(Forbidden, match=permission.value):
            door(standing.access("acme", permission))


def test_versions_are_those_in_which_the_tenants_own_rows_changed(house: House) -> None:
    (first,) = house.access("acme").versions(GOLD)
    house.put("globex", 4)
    house.load("globex")
    house.publish()
    assert house.access("acme").versions(GOLD) == [first]
    house.put("acme", 1, note="new words of acme")
    house.load("acme")
    house.publish()
    newest, before = house.access("acme").versions(GOLD)
    assert before == first
    assert newest.rows == 3
    assert newest.content != first.content


def test_versions_begin_with_the_tenants_first_rows(house: House) -> None:
    assert house.access("globex").versions(GOLD)
    with house.runtime.control.transaction("test") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "late", "title": "Late", "state": "active"})
    assert house.access("late").versions(GOLD) == []


def test_loads_and_status_are_the_tenants_own(standing: House) -> None:
    (load,) = standing.access("acme").loads()
    assert (load.extracted, load.inserted, load.rejected) == (4, 3, 1)
    status = standing.access("acme").status()
    assert [item.tenant for item in status.entities] == ["acme"]
    assert status.changed_seq == {}


def test_a_fault_of_the_platform_is_told_by_its_kind(house: House) -> None:
    house.source.broken["acme"] = "globex holds the line"
    house.load("acme")
    newest = house.access("acme").loads(limit=1)[0]
    assert newest.status == "failed"
    assert "connection" in (newest.message or "")
    assert "globex" not in str(newest)
