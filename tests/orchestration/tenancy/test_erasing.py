"""One person is erased everywhere, by key or by value; loads do not bring them back, and nobody else loses a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tenancy_house import fill, settings_now, traces_of, wish

from orchestration import simulators
from orchestration.bronze.load import load_source
from orchestration.control.delivery_tables import delivery, progress
from orchestration.delivery import consumers, registry
from orchestration.failures import SettingsError
from orchestration.landing.history import committed_loads, verify
from orchestration.landing.manifest import Place
from orchestration.runtime import Runtime
from orchestration.tenancy.erasing.erase import Erased, erase_person
from orchestration.tenancy.erasing.wanted import read_wanted

CONTACTS = Place("acme", "salesforce", "main", "contact")
ERASED: list[str] = []
"""Whom the first test erased; the others look for them."""


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Runtime:
    runtime = fill(settings_now())
    table = ("bronze_salesforce", "contact")
    with runtime.warehouse.session("plant") as session, session.working_copy(table):
        session.execute(
            "INSERT INTO strata.quarantine (quarantine_id, tenant_id, connection, source, entity, load_id, key, "
            "reason, raw_row, status) SELECT _tenant_id || id, _tenant_id, 'main', 'salesforce', 'contact', 'l', "
            "to_json({id: id}), 'null', to_json({id: id, email: email}), 'open' FROM bronze_salesforce.contact"
        )
    return runtime


def contacts(runtime: Runtime, tenant: str = "acme") -> list[tuple[str, str]]:
    with runtime.warehouse.session("look") as session:
        rows = session.execute(
            "SELECT id, email FROM bronze_salesforce.contact WHERE _tenant_id = ? ORDER BY id", [tenant]
        )
    return [(str(key), str(email)) for key, email in rows]


def count(runtime: Runtime, sql: str) -> int:
    with runtime.warehouse.session("look") as session:
        return int(session.execute(f"SELECT count(*) FROM {sql}")[0][0])


def erase_key(runtime: Runtime, key: str, entity: str = "salesforce/contact") -> Erased:
    wanted = read_wanted(runtime.sources, entity=entity, key=json.dumps({"id": key}), value=None)
    return erase_person(runtime, "acme", wanted)


def without_simulation(files: list[str]) -> list[str]:
    return [path for path in files if not path.startswith("simulation/")]


def test_a_person_is_gone_by_key_from_every_place(runtime: Runtime) -> None:
    before, others = contacts(runtime), contacts(runtime, "globex")
    key, email = next(row for row in before if row[0] in dict(others))
    ERASED.append(key)
    done = erase_key(runtime, key)
    assert contacts(runtime) == [row for row in before if row[0] != key]
    assert contacts(runtime, "globex") == others
    assert without_simulation(traces_of(runtime.settings, email)) == []
    assert count(runtime, f"silver.contact WHERE _tenant_id = 'acme' AND contact_key LIKE '%{key}'") == 0
    assert count(runtime, f"silver.contact WHERE _tenant_id = 'globex' AND contact_key LIKE '%{key}'") == 1
    assert count(runtime, f"strata.quarantine WHERE tenant_id = 'acme' AND quarantine_id LIKE '%{key}'") == 0
    assert count(runtime, f"strata.quarantine WHERE tenant_id = 'globex' AND quarantine_id LIKE '%{key}'") == 1
    assert {item.place for item in done.found} == {"warehouse", "published", "landing"}
    assert done.keys == 1


def test_what_landed_is_whole_after_it_was_rewritten(runtime: Runtime) -> None:
    for manifest in committed_loads(runtime.landing, CONTACTS):
        verify(runtime.landing, manifest)
        (rows,) = [part.rows for part in manifest.of_role("rows")]
        assert rows == len(contacts(runtime))


def test_the_record_of_an_erasure_names_nobody(runtime: Runtime) -> None:
    with runtime.warehouse.session("look") as session:
        records = session.execute("SELECT * FROM strata.erasure")
    assert len(records) == 1
    for key, email in contacts(runtime, "globex")[:1]:
        assert key not in str(records)
        assert email not in str(records)


@pytest.mark.parametrize("mode", ["daily", "hourly"])
def test_a_later_load_does_not_bring_the_person_back(runtime: Runtime, mode: str) -> None:
    before = contacts(runtime)
    simulators.advance(runtime.settings, runtime.sources)
    (result,) = load_source(
        runtime, runtime.sources["salesforce"], mode, entities=["contact"], tenants=["acme"], who="test"
    )
    now = {key for key, _ in contacts(runtime)}
    assert result.status == "loaded"
    assert result.extracted > 0
    assert ERASED[0] not in now
    assert now >= {key for key, _ in before}
    for manifest in committed_loads(runtime.landing, CONTACTS):
        verify(runtime.landing, manifest)


def test_a_person_is_found_by_a_value_in_any_entity(runtime: Runtime) -> None:
    _, email = contacts(runtime)[0]
    wanted = read_wanted(runtime.sources, entity=None, key=None, value=f" {email.upper()} ")
    assert email not in repr(wanted)
    assert erase_person(runtime, "acme", wanted).keys == 1
    assert email not in dict(contacts(runtime)).values()
    assert without_simulation(traces_of(runtime.settings, email)) == []
    again = erase_person(runtime, "acme", wanted)
    assert again.found == ()


def test_others_columns_lose_the_person_and_keep_their_row(runtime: Runtime) -> None:
    """An account stays when its owner is erased; the owner's name goes out of it."""
    with runtime.warehouse.session("look") as session:
        ((owner, name),) = session.execute(
            "SELECT id, name FROM bronze_salesforce.user WHERE _tenant_id = 'acme' AND name IN "
            "(SELECT owner_name FROM gold.owner WHERE _tenant_id = 'acme') LIMIT 1"
        )
    accounts = count(runtime, "gold.owner WHERE _tenant_id = 'acme'")
    erase_key(runtime, owner, "salesforce/user")
    assert count(runtime, "gold.owner WHERE _tenant_id = 'acme'") == accounts
    assert count(runtime, f"gold.owner WHERE _tenant_id = 'acme' AND owner_name = '{name}'") == 0
    for path in runtime.settings.published_dir.glob("gold/owner/*.parquet"):
        assert count(runtime, f"read_parquet('{path}') WHERE _tenant_id = 'acme'") == accounts
        assert count(runtime, f"read_parquet('{path}') WHERE _tenant_id = 'acme' AND owner_name = '{name}'") == 0


def test_consumers_of_the_persons_tables_get_all_their_rows_anew(runtime: Runtime) -> None:
    """Older versions were rewritten too, so no difference would tell a consumer that a row is gone."""
    received = {"delivered_at": 1, "version": 2, "schema_name": "silver", "table_name": "contact"}
    with runtime.control.transaction("test") as connection:
        for tenant in ("acme", "globex"):
            consumers.add(connection, tenant, "bi", "", "bi@example.com")
            registry.add(connection, wish(tenant, "contacts"))
            connection.execute(insert(progress).values(tenant_id=tenant, registration_id="contacts", **received))
    erase_key(runtime, contacts(runtime)[0][0])
    with runtime.control.reading() as connection:
        sent = connection.execute(select(delivery.c.tenant_id, delivery.c.subject)).all()
        kept = connection.execute(select(progress.c.tenant_id)).scalars().all()
    assert [tuple(row) for row in sent] == [("acme", "silver.contact")]
    assert kept == ["globex"]


def test_an_erasure_that_died_after_its_record_is_finished_by_the_same_command(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, email = contacts(runtime)[0]
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.tenancy.erasing.erase.forget", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_key(runtime, key)
    assert (key, email) not in contacts(runtime)
    erase_key(runtime, key)
    assert without_simulation(traces_of(runtime.settings, email)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entity": "salesforce/contact"}, "Say whom"),
        ({"entity": "salesforce/nobody", "key": "{}"}, "is unknown"),
        ({"entity": "salesforce/contact", "key": "003"}, "no JSON object of id"),
        ({"entity": "salesforce/contact", "key": '{"id": null}'}, "is empty"),
        ({"value": "x", "entity": "salesforce/contact", "key": '{"id": "1"}'}, "one of the two"),
        ({"value": "x", "entity": "salesforce/contact"}, "Say whom"),
        ({"entity": "contact", "key": '{"id": "1"}'}, "names no source"),
    ],
)
def test_a_wrong_request_is_refused(runtime: Runtime, options: dict[str, str], message: str) -> None:
    given = {"entity": None, "key": None, "value": None} | options
    with pytest.raises(SettingsError, match=message):
        read_wanted(runtime.sources, **given)


def test_an_unknown_connection_is_refused_by_naming_those_there_are(runtime: Runtime) -> None:
    wanted = read_wanted(runtime.sources, entity=None, key=None, value="x@example.com", connection="second")
    with pytest.raises(SettingsError) as refused:
        erase_person(runtime, "acme", wanted)
    assert "salesforce/main" in refused.value.remedy


def test_a_key_that_is_nowhere_is_kept_out_all_the_same(runtime: Runtime) -> None:
    done = erase_key(runtime, "003000000000000AAA")
    assert (done.found, done.keys) == ((), 1)
