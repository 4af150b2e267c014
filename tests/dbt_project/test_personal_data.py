"""Personal data stops at bronze: no value of a column that a contract marks is read in silver, gold or after."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration import names
from orchestration.contracts.model import Contract

PLANTED = "plantedvalue"
SHAPES = (
    "concat('Plantedvalue ', {place}, ' ', rowid)",
    "concat('Plantedvalue.', {place}, '.', rowid, '@kept.example')",
    "concat('+plantedvalue ', rowid, ' 4711')",
)


class Bronze(Protocol):
    path: Path
    contracts: dict[tuple[str, str], Contract]

    def execute(self, sql: str) -> list[tuple[Any, ...]]: ...


class Dbt(Protocol):
    scratch: Path
    manifest: dict[str, Any]

    def build(self, warehouse: Path, *layers: str, without: str) -> None: ...


@pytest.fixture(scope="session")
def planted(first_day: Bronze, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Bronze:
    """The warehouse built with a planted value in every personal column of every row that any contract knows."""
    bronze = type(first_day).__new__(type(first_day))
    bronze.path, bronze.contracts = tmp_path_factory.mktemp("planted") / "planted.duckdb", first_day.contracts
    shutil.copy(first_day.path, bronze.path)
    for contract in bronze.contracts.values():
        columns = [column for column in contract.columns if column.pii]
        if columns:
            bronze.execute(f"UPDATE {names.qualified(contract.table)} SET {', '.join(map(_plant, columns))}")
    dbt.build(bronze.path, "silver", "gold", without="test unit_test")  # the values are no ordinary ones
    return bronze


def _plant(column: Any) -> str:
    place = names.literal(column.name)
    shapes = " ".join(f"WHEN {n} THEN {shape.format(place=place)}" for n, shape in enumerate(SHAPES))
    return f"{names.quote(column.name)} = CASE rowid % {len(SHAPES)} {shapes} END"


def _tables(bronze: Bronze, *schemas: str) -> list[str]:
    listed = ", ".join(map(names.literal, schemas))
    rows = bronze.execute(
        f"SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema IN ({listed})"
    )
    return [name for (name,) in rows]


def test_no_planted_value_is_read_in_any_table_after_bronze(planted: Bronze) -> None:
    def found(table: str) -> int:
        ((count,),) = planted.execute(f"SELECT count(*) FROM {table} AS t WHERE CAST(t AS VARCHAR) ILIKE '%{PLANTED}%'")
        return int(count)

    assert sum(map(found, _tables(planted, "bronze_product", "bronze_salesforce"))) > 100
    assert {table: found(table) for table in _tables(planted, "silver", "gold") if found(table)} == {}


def test_what_bronze_has_is_there_in_its_form(planted: Bronze) -> None:
    for digest in ("first_name", "last_name", "full_name", "email"):
        ((whole, read),) = planted.execute(
            f"SELECT count(*), count(*) FILTER (regexp_full_match({digest}, '[0-9a-f]{{64}}')) "
            "FROM silver.salesforce_contact"
        )
        assert whole == read > 10
    phones = {phone for (phone,) in planted.execute("SELECT DISTINCT phone FROM silver.salesforce_contact")}
    assert {"P***@kept.example", "***11"} <= phones
    assert all(re.fullmatch(r"P\*\*\*@kept\.example|\*\*\*[ \d]\d", str(phone)) for phone in phones)


def test_equal_values_match_within_a_tenant_and_never_across(first_day: Bronze, tmp_path: Path) -> None:
    with duckdb.connect(str(shutil.copy(first_day.path, tmp_path / "equal.duckdb"))) as con:
        con.execute("UPDATE bronze_product.app_user SET email = 'Ada.Lovelace@Example.com'")
        con.execute("UPDATE bronze_salesforce.contact SET email = ' ada.lovelace@example.com '")
        rows = con.execute(
            "SELECT contact._tenant_id, app_user._tenant_id, count(*) FROM silver.salesforce_contact AS contact "
            "JOIN silver.product_app_user AS app_user ON app_user.email = contact.email GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert [pair[:2] for pair in rows] == [("acme", "acme"), ("globex", "globex")]


def test_a_digest_is_sha_256_of_salt_and_cleaned_text_in_utf_8(first_day: Bronze) -> None:
    for tenant, raw, digest in first_day.execute(
        "SELECT b._tenant_id, b.name, s.full_name FROM (SELECT _tenant_id, id, full_name AS name FROM "
        "bronze_product.app_user) AS b JOIN silver.product_app_user AS s "
        "ON s._tenant_id = b._tenant_id AND s.user_key = 'product|main|' || b.id"
    ):
        assert digest == _digest(tenant, raw.strip().lower())


def _digest(tenant: str, text: str) -> str:
    salt = hashlib.sha256(tenant.encode()).hexdigest()
    return hashlib.sha256((salt + text).encode()).hexdigest()


def test_a_tenant_without_a_salt_shows_nothing_rather_than_something_unsalted(
    first_day: Bronze, tmp_path: Path
) -> None:
    with duckdb.connect(str(shutil.copy(first_day.path, tmp_path / "unsalted.duckdb"))) as con:
        con.execute("DELETE FROM strata.tenant_salt WHERE tenant_id = 'globex'")
        rows = con.execute(
            "SELECT _tenant_id, count(*), count(email) FROM silver.salesforce_contact GROUP BY 1"
        ).fetchall()
    shown = {tenant: (rows, emails) for tenant, rows, emails in rows}
    assert shown["globex"][0] > 0
    assert shown["globex"][1] == 0
    assert shown["acme"][1] > 0


@pytest.fixture(scope="session")
def conceal(first_day: Bronze, dbt: Dbt) -> Callable[..., dict[str, Any]]:
    """Run the compiled model of contacts on one row in memory."""
    node = next(n for n in dbt.manifest["nodes"].values() if n["name"] == "salesforce_contact")
    sql = (dbt.scratch / "target" / "compiled" / "strata" / "models" / node["path"]).read_text()
    con = duckdb.connect()
    with duckdb.connect(str(first_day.path), read_only=True) as file:
        ddl = file.execute(
            "SELECT sql FROM duckdb_tables() WHERE schema_name = 'bronze_salesforce' AND table_name = 'contact'"
        )
        ((create,),) = ddl.fetchall()
    con.execute(f"CREATE SCHEMA bronze_salesforce; {create}")
    con.execute("CREATE SCHEMA strata; CREATE TABLE strata.tenant_salt (tenant_id VARCHAR, salt VARCHAR)")
    con.execute("INSERT INTO strata.tenant_salt VALUES ('acme', ?)", [hashlib.sha256(b"acme").hexdigest()])
    model = re.sub(r'"\w+"\."bronze_salesforce"', '"bronze_salesforce"', sql)

    def run(**values: str | None) -> dict[str, Any]:
        con.execute("DELETE FROM bronze_salesforce.contact")
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        con.execute(
            f"INSERT INTO bronze_salesforce.contact (_tenant_id, {columns}) VALUES ('acme', {marks})",
            list(values.values()),
        )
        row = con.execute(model)
        shown = [column[0] for column in row.description or []]
        return dict(zip(shown, row.fetchall()[0], strict=True))

    return run


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_no_text_can_be_read_from_its_masked_form(text: str, conceal: Callable[..., dict[str, Any]]) -> None:
    shown, cleaned = conceal(phone=text)["phone"], text.strip(" ")
    if not cleaned:
        assert shown is None
        return
    local, _, domain = cleaned.partition("@")
    assert shown in {"***", f"{cleaned[0]}***", f"***{cleaned[-2:]}", f"***@{domain}", f"{cleaned[0]}***@{domain}"}
    hidden = local if shown.endswith(f"@{domain}") and domain else cleaned
    assert len(hidden) <= 3 or hidden not in shown
    if len(cleaned) < 4:
        assert shown == "***" or "@" in shown


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_blanks_around_and_case_make_no_other_digest(text: str, conceal: Callable[..., dict[str, Any]]) -> None:
    plain = conceal(email=text)["email"]
    assert conceal(email=f"  {text} ")["email"] == plain
    if text.isascii():
        assert conceal(email=text.upper())["email"] == plain
        assert plain == (_digest("acme", text.strip(" ").lower()) if text.strip(" ") else None)


def test_a_name_in_parts_has_the_digest_of_the_whole_name(conceal: Callable[..., dict[str, Any]]) -> None:
    row = conceal(first_name=" Ada ", last_name="LOVELACE")
    assert row["full_name"] == _digest("acme", "ada lovelace")
    assert conceal(last_name="Lovelace")["full_name"] == _digest("acme", "lovelace")
    assert conceal(last_name=None, first_name=None)["full_name"] is None


def test_mail_addresses_and_numbers_keep_what_helps_to_recognise_them(conceal: Callable[..., dict[str, Any]]) -> None:
    shown = {
        raw: conceal(phone=raw)["phone"] for raw in ("jane@example.com", "jo@example.com", "+49 30 123442", "Jane Roe")
    }
    assert list(shown.values()) == ["j***@example.com", "***@example.com", "***42", "J***"]


def test_no_table_that_remembers_holds_a_personal_column(dbt: Dbt) -> None:
    """So that a new mark, another form or another salt is everywhere with the next build."""
    for node in dbt.manifest["nodes"].values():
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental":
            assert not [c for c in node["columns"].values() if c["config"].get("meta", {}).get("pii")], node["name"]
