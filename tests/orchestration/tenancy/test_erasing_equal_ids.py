"""Every record of every entity has one of the same five ids: who is erased takes no other record along."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from made_tables import make_table
from tenancy_house import settings_now

from orchestration import names
from orchestration.bronze.lineage import model_keys
from orchestration.contracts.model import Column, Contract
from orchestration.definitions.transform.dbt_environment import dbt_environment
from orchestration.definitions.transform.project import dbt_executable, read_project
from orchestration.names import Table
from orchestration.publication.publish import publish
from orchestration.quality.salts import hand_over_salts
from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts.close.adoption import adopt
from orchestration.tenancy.belongings import relations
from orchestration.tenancy.erasing.erase import erase_person
from orchestration.tenancy.erasing.wanted import read_wanted
from orchestration.tenancy.versions import version_files
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session

IDS = range(1, 6)
TENANTS = "tenants:\n" + "".join(
    f"  {name}: {{connections: {{product: simulated, salesforce: simulated}}}}\n" for name in ("acme", "globex")
)
WORDS = {"currency": "'EUR'", "status": "'active'", "metric": "'active_users'", "billing_period": "'monthly'"}
Rows = dict[str, list[str]]
"""Every row as text, by table or version."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory, new_warehouse: Callable[[], dict[str, str]]) -> Iterator[Runtime]:
    place = tmp_path_factory.mktemp("equal_ids")
    (place / "tenants.yaml").write_text(TENANTS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_HOME", str(place / "home"))
        patch.setenv("STRATA_TENANTS_FILE", str(place / "tenants.yaml"))
        for name, setting in new_warehouse().items():
            patch.setenv(name, setting)
        runtime = open_runtime(settings_now())
        fill(runtime)
        build(runtime)
        yield runtime


def fill(runtime: Runtime) -> None:
    contracts = [contract for source in runtime.sources.values() for contract in source.contracts.values()]
    with runtime.warehouse.session("fill") as session:
        apply.ensure(session, contracts)
        for contract in contracts:
            chosen = ", ".join(
                f"{value(contract, column)} AS {names.quote(column.name)}" for column in contract.columns
            )
            session.execute(
                "CREATE OR REPLACE TEMP TABLE rows AS SELECT t AS _tenant_id, 'main' AS _connection, "
                f"'l' AS _load_id, TIMESTAMP '2026-01-02' AS _loaded_at, {chosen} "
                "FROM range(1, 6) ids(i), (VALUES ('acme'), ('globex')) tenants(t)"
            )
            session.execute(f"INSERT INTO {names.qualified(contract.table)} BY NAME SELECT * FROM rows")


def value(contract: Contract, column: Column) -> str:
    kind = column.type.duckdb
    if column.pii:
        return f"'{contract.entity} {column.name} ' || i"
    if kind == "VARCHAR":
        return WORDS.get(column.name, "i::VARCHAR")
    if kind == "BOOLEAN":
        return "false" if "delete" in column.name else "true"
    if kind == "UUID":
        return "('00000000-0000-0000-0000-00000000000' || i)::UUID"
    return f"('2026-01-0' || i)::{kind}" if kind.startswith(("DATE", "TIMESTAMP")) else f"i::{kind}"


def build(runtime: Runtime) -> None:
    """Build every model with dbt, a financial table, and two versions of all that is published."""
    hand_over_salts(runtime)
    project = read_project(runtime.settings)
    assert project.folder is not None, project.fault
    command = [dbt_executable(), "run", "--project-dir", ".", "--profiles-dir", "."]
    with runtime.warehouse.exclusive("dbt"):
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=dbt_environment(runtime.settings),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:]
    keys = model_keys(runtime.settings)
    with runtime.warehouse.session("finance") as session:
        session.execute(
            "CREATE TEMP TABLE mrr AS SELECT _tenant_id, customer_key, mrr FROM gold.customer_portal_account"
        )
        make_table(session, ("finance", "mrr_monthly"), "SELECT * FROM mrr")
        adopt(session)  # as the first close does: its rows are history now, and finance shows them
        published = [("finance", "mrr_monthly"), *(item.table for item in relations(session) if item.table in keys)]
        publish(session, runtime, published, keys, "first")
        session.execute("UPDATE finance_history.mrr_monthly SET mrr = 7")
        publish(session, runtime, published, keys, "second")


def snapshot(runtime: Runtime) -> Rows:
    with runtime.warehouse.session("look") as session:
        found = {}
        for item in relations(session):
            if is_data(item.table):
                with session.working_copy(item.table):
                    found[item.label] = as_texts(session, names.qualified(item.table))
        for file in version_files(session, runtime.settings):
            found[f"{'.'.join(file.table)} {file.path.stem}"] = as_texts(session, file.source)
        return found


def as_texts(session: Session, place: str) -> list[str]:
    return sorted(str(row) for (row,) in session.execute(f"SELECT to_json(t) FROM {place} t"))


def is_data(table: Table) -> bool:
    return table[0] != names.PLATFORM


def is_theirs(table: str, row: str, number: int) -> bool:
    """Say whether a row is the user's: by what is known of these tables, and not by what the eraser knows."""
    values, key = json.loads(row), f"product|main|{number}"
    if values["_tenant_id"] != "acme":
        return False
    if table == "bronze_product.app_user":
        return bool(values["id"] == number)
    return table.split(maxsplit=1)[0] in ("silver.product_app_user", "silver.contact") and values["user_key"] == key


@pytest.mark.parametrize("number", IDS[:2])
def test_who_is_erased_takes_no_other_record_along(runtime: Runtime, number: int) -> None:
    before = snapshot(runtime)
    email = f"app_user email {number}"
    wanted = (
        read_wanted(runtime.sources, entity="product/app_user", key=json.dumps({"id": number}), value=None)
        if number == 1
        else read_wanted(runtime.sources, entity=None, key=None, value=email)
    )
    theirs = {name: [row for row in rows if is_theirs(name, row, number)] for name, rows in before.items()}
    assert {name for name, rows in theirs.items() if rows} >= {"bronze_product.app_user", "silver.contact"}
    done = erase_person(runtime, "acme", wanted)
    after = snapshot(runtime)
    assert after == {name: [row for row in rows if not is_theirs(name, row, number)] for name, rows in before.items()}
    assert done.keys == 1
    assert {item.kind for item in done.found} == {"rows deleted"}


def test_every_entity_and_layer_is_compared(runtime: Runtime) -> None:
    filled = {name for name, rows in snapshot(runtime).items() if rows}
    assert filled > {"silver.customer", "silver.product", "silver.invoice", "silver.usage_daily", "finance.mrr_monthly"}
    assert filled > {"finance_history.mrr_monthly", "silver.contact"}
    assert filled > {"gold.customer_portal_account", "gold.customer_portal_account v000001", "silver.contact v000001"}


def test_a_value_that_a_record_of_another_entity_has_too_stays(runtime: Runtime) -> None:
    """A contact with the user's mail address is another record: who erases both names the address."""
    with runtime.warehouse.session("share") as session:
        session.execute("UPDATE bronze_product.app_user SET email = 'both@example.com' WHERE id = 4")
        session.execute("UPDATE bronze_salesforce.contact SET email = 'both@example.com' WHERE id = '5'")
        (digest,) = session.execute(
            "SELECT email FROM silver.salesforce_contact "
            "WHERE _tenant_id = 'acme' AND contact_key = 'salesforce|main|5'"
        )[0]
        session.execute(
            "UPDATE silver.contact SET email = ?, user_key = 'product|main|4' "
            "WHERE _tenant_id = 'acme' AND contact_key = 'salesforce|main|5'",
            [digest],
        )
    merged = merged_contact(runtime)
    erase_person(runtime, "acme", read_wanted(runtime.sources, entity="product/app_user", key='{"id": 4}', value=None))
    assert merged_contact(runtime) == merged
    wanted = read_wanted(runtime.sources, entity=None, key=None, value="both@example.com")
    erase_person(runtime, "acme", wanted)
    assert merged_contact(runtime) == []


def test_a_value_in_a_row_of_another_record_is_emptied_and_the_row_stays(runtime: Runtime) -> None:
    with runtime.warehouse.session("refer") as session:
        (digest,) = session.execute(
            "SELECT email FROM silver.product_app_user WHERE _tenant_id = 'acme' AND user_key = 'product|main|3'"
        )[0]
        session.execute(
            "UPDATE silver.contact SET email = ?, user_key = 'product|main|3' "
            "WHERE _tenant_id = 'acme' AND contact_key = 'salesforce|main|3'",
            [digest],
        )
    before = snapshot(runtime)["silver.contact"]
    wanted = read_wanted(runtime.sources, entity="product/app_user", key='{"id": 3}', value=None)
    done = erase_person(runtime, "acme", wanted)
    assert {(item.name, item.kind, item.pieces) for item in done.found} >= {
        ("silver.contact", "rows deleted", 1),
        ("silver.contact", "rows emptied", 1),
    }
    assert len(snapshot(runtime)["silver.contact"]) == len(before) - 1
    assert not any(digest in row for row in snapshot(runtime)["silver.contact"])


def test_every_close_that_is_kept_is_looked_through(runtime: Runtime) -> None:
    """A script's table that nobody described, in two closes, and what a killed close has left where it built."""
    email = "app_user email 5"
    with runtime.warehouse.session("close") as session:
        make_table(session, ("finance_work", "mailing"), f"SELECT '{email}' AS address")
        make_table(
            session,
            ("finance_history", "mailing"),
            f"SELECT t AS _tenant_id, d AS _as_of, t || d AS _close_id, '{email}' AS address "
            "FROM (VALUES ('acme'), ('globex')) a(t), (VALUES (DATE '2026-01-01'), ('2026-01-02')) b(d)",
        )
    done = erase_person(runtime, "acme", read_wanted(runtime.sources, entity=None, key=None, value=email))
    assert ("finance_history.mailing", "rows emptied", 2) in {
        (item.name, item.kind, item.pieces) for item in done.found
    }
    with runtime.warehouse.session("look") as session:
        kept = "SELECT _tenant_id, address FROM finance_history.mailing ORDER BY ALL"
        assert session.execute(kept) == [("acme", None), ("acme", None), ("globex", email), ("globex", email)]
        assert session.tables("finance_work") == []


def merged_contact(runtime: Runtime) -> list[tuple[object, ...]]:
    with runtime.warehouse.session("look") as session:
        return session.execute(
            "SELECT * FROM silver.contact WHERE _tenant_id = 'acme' AND contact_key = 'salesforce|main|5'"
        )
