"""A file with a query over gold is a type of event: rows that are new or changed since the last publication."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from made_tables import make_table

from orchestration.failures import ScriptRefused
from orchestration.names import Table
from orchestration.publication import event_log
from orchestration.publication import publish as publishing
from orchestration.publication.event_queries import read_event_queries
from orchestration.runtime import Runtime
from orchestration.settings import PROJECT, Settings
from orchestration.warehouse import apply, open_warehouse

USAGE, MRR = ("gold", "usage"), ("finance", "mrr")
KEYS = {USAGE: ("_tenant_id", "id"), MRR: ()}
QUERY = """-- version: 2
-- owner: success
-- subject: id
-- description: Too much
--   is used.
SELECT _tenant_id, id, used, share FROM gold.usage WHERE used > 80
"""
TABLES = {
    USAGE: (
        "SELECT * FROM (VALUES ('acme', 'a', 90, 0.9::DECIMAL(9,4)), ('acme', 'b', 10, 0.1), "
        "('globex', 'a', 95, 0.95)) AS v (_tenant_id, id, used, share)"
    ),
    MRR: "SELECT 'acme' AS _tenant_id, 1 AS month UNION ALL SELECT 'globex', 1",
}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    settings = Settings(home=tmp_path / "home", scripts_dir=tmp_path / "scripts", _env_file=None)
    runtime = Runtime(settings, {}, {}, open_warehouse(settings), None)
    with runtime.warehouse.session("set up") as session:
        apply.apply(session)
        for table, query in TABLES.items():
            make_table(session, table, query)
    write(runtime, "usage.limit_near", QUERY)
    return runtime


def write(runtime: Runtime, name: str, text: str) -> Path:
    path = runtime.settings.scripts_dir / "events" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))
    return path


def publish(runtime: Runtime, *statements: str, tables: tuple[Table, ...] = (USAGE,)) -> None:
    with runtime.warehouse.session("publish") as session:
        for statement in statements:
            session.execute(statement)
        publishing.publish(session, runtime, tables, KEYS, "build")


def told(runtime: Runtime, kind: str = "usage.limit_near") -> list[tuple[str, str, dict[str, Any]]]:
    """Return tenant, subject and data of events, and forget them."""
    with runtime.warehouse.session("look") as session:
        sql = f"SELECT tenant_id, subject, data FROM {event_log.LOG} WHERE type = ? ORDER BY tenant_id, subject"
        rows = session.execute(sql, [kind])
        session.execute(f"DELETE FROM {event_log.LOG} WHERE type = ?", [kind])
    return [(tenant, subject, json.loads(data)) for tenant, subject, data in rows]


def alerts(runtime: Runtime, state: str = "open") -> list[tuple[str, str]]:
    with runtime.warehouse.session("look") as session:
        return session.execute("SELECT subject, message FROM strata.alert WHERE state = ? ORDER BY ALL", [state])


def test_the_rows_that_a_query_finds_first_are_events_of_their_tenants(runtime: Runtime) -> None:
    publish(runtime)
    assert told(runtime) == [
        ("acme", "a", {"id": "a", "used": 90, "share": "0.9000"}),
        ("globex", "a", {"id": "a", "used": 95, "share": "0.9500"}),
    ]


def test_a_row_that_is_as_it_was_is_no_event_and_one_that_changed_or_came_back_is(runtime: Runtime) -> None:
    publish(runtime)
    told(runtime)
    publish(runtime, "UPDATE gold.usage SET used = 20 WHERE id = 'b'")
    assert told(runtime) == []
    publish(runtime, "UPDATE gold.usage SET used = 91 WHERE _tenant_id = 'acme' AND id = 'a'")
    assert [subject for _, subject, _ in told(runtime)] == ["a"]
    publish(runtime, "UPDATE gold.usage SET used = 50 WHERE _tenant_id = 'acme' AND id = 'a'")
    assert told(runtime) == []
    publish(runtime, "UPDATE gold.usage SET used = 91 WHERE _tenant_id = 'acme' AND id = 'a'")
    assert [tenant for tenant, *_ in told(runtime)] == ["acme"]


def test_only_columns_that_count_make_a_row_new(runtime: Runtime) -> None:
    write(runtime, "usage.limit_near", QUERY.replace("-- version", "-- fires_on: id\n-- version"))
    publish(runtime)
    told(runtime)
    publish(runtime, "UPDATE gold.usage SET used = 99 WHERE used > 80")
    assert told(runtime) == []


def test_events_and_the_version_they_were_found_in_are_committed_together(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(event_log, "_next_seq", fail)
        with pytest.raises(RuntimeError):
            publish(runtime)
    assert told(runtime) == []
    publish(runtime)
    assert len(told(runtime)) == 2


def test_a_broken_query_holds_nothing_up_and_is_its_owners_alert_until_mended(runtime: Runtime) -> None:
    write(runtime, "usage.limit_near", QUERY.replace("used > 80", "usd > 80"))
    write(runtime, "usage.worse", "-- subject: id\nSELECT _tenant_id, id FROM bronze_shop.invoice")
    publish(runtime)
    with runtime.warehouse.session("look") as session:
        assert session.execute("SELECT count(*) FROM strata.publication_log") == [(1,)]
    near, worse = alerts(runtime)
    assert near[0] == "business event usage.limit_near"
    assert "usd" in near[1]
    assert "bronze_shop.invoice" in worse[1]
    write(runtime, "usage.limit_near", QUERY)
    publish(runtime)
    assert [subject for subject, _ in alerts(runtime, "recovered")] == ["business event usage.limit_near"]
    assert len(told(runtime)) == 2


def test_a_value_of_a_row_gets_into_no_alert(runtime: Runtime) -> None:
    write(runtime, "usage.limit_near", QUERY.replace("used > 80", "CAST(id AS INTEGER) > 80"))
    publish(runtime)
    ((_, message),) = alerts(runtime)
    assert "ConversionException" in message
    assert "'a'" not in message


def test_a_query_on_a_table_that_is_not_built_yet_waits(runtime: Runtime) -> None:
    write(runtime, "usage.limit_near", QUERY.replace("WHERE", "JOIN gold.later USING (id) WHERE"))
    publish(runtime)
    assert (told(runtime), alerts(runtime)) == ([], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- subject: id\nSELECT _tenant_id, id FROM gold.usage; SELECT 1", "more than one statement"),
        ("-- subject: id\nDELETE FROM gold.usage", "no SELECT"),
        ("-- subject: id\nSELECT id FROM gold.usage", "_tenant_id is not among its columns"),
        ("-- subject: id\nSELECT *, _tenant_id FROM gold.usage", "_tenant_id is not among its columns"),
        ("-- subject: no\nSELECT _tenant_id, id FROM gold.usage", "no column 'no'"),
        ("SELECT _tenant_id, id FROM gold.usage", "no column ''"),
        ("-- subject: id\n-- version: x\nSELECT _tenant_id, id FROM gold.usage", "version is 'x'"),
        ("-- subject: id\nSELECT _tenant_id, id FROM 'secrets.csv'", "it reads secrets.csv"),
        ("-- subject: id\nSELECT _tenant_id, id FROM read_csv('/etc/passwd')", "it reads"),
        ("-- subject: id\nSELECT _tenant_id, id FROM strata.alert", "it reads strata.alert"),
        ("-- subject: id\nSELECT 'acme' AS _tenant_id, 1 AS id", "it reads no table"),
        ("-- subject: id\nSELECT _tenant_id, id FRM gold.usage", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(runtime: Runtime, text: str, said: str) -> None:
    path = write(runtime, "usage.wrong", text)
    _, faults = read_event_queries(runtime.settings)
    assert isinstance(faults["usage.wrong"], ScriptRefused)
    assert said in faults["usage.wrong"].message
    assert str(path) in faults["usage.wrong"].message


@pytest.mark.parametrize(
    ("name", "said"), [("load.failed", "are the platform's own"), ("Usage", "is no type"), ("usage", "is no type")]
)
def test_a_name_that_is_no_type_or_the_platforms_is_refused(runtime: Runtime, name: str, said: str) -> None:
    write(runtime, name, QUERY)
    _, faults = read_event_queries(runtime.settings)
    assert said in faults[name].message


def test_the_platforms_own_example_is_right() -> None:
    queries, faults = read_event_queries(Settings(scripts_dir=PROJECT / "sql_scripts", _env_file=None))
    assert faults == {}
    (near,) = [query for query in queries if query.name == "license.limit_near"]
    assert (near.tables, near.subject) == ((("gold", "license_usage"),), "customer_key")


def test_a_close_is_told_to_each_tenant_whose_finance_tables_changed(runtime: Runtime) -> None:
    pointers = "INSERT INTO strata.finance_close (tenant_id, close_id, as_of) VALUES ('acme', 'c1', '2026-03-01')"
    publish(runtime, pointers, "CREATE VIEW finance.shown AS FROM finance.mrr", tables=(("finance", "shown"),))
    first = {"as_of": "2026-03-01", "close_id": "c1", "tables": [{"table": "finance.shown", "version": 1}]}
    taken_over = {"tables": [{"table": "finance.shown", "version": 1}]}
    assert told(runtime, "finance.close.published") == [("acme", "finance", first), ("globex", "finance", taken_over)]
    publish(runtime, "UPDATE finance.mrr SET month = 2 WHERE _tenant_id = 'acme'", tables=(("finance", "shown"),))
    second = {"as_of": "2026-03-01", "close_id": "c1", "tables": [{"table": "finance.shown", "version": 2}]}
    assert told(runtime, "finance.close.published") == [("acme", "finance", second)]
    publish(runtime, tables=(("finance", "shown"),))
    assert told(runtime, "finance.close.published") == []


def test_numbers_of_events_rise_after_the_newest_is_gone(runtime: Runtime) -> None:
    seqs = []
    for number in (90, 91, 92):
        publish(runtime, f"UPDATE gold.usage SET used = {number} WHERE id = 'a'")
        with runtime.warehouse.session("look") as session:
            seqs += [seq for (seq,) in session.execute(f"SELECT seq FROM {event_log.LOG} ORDER BY seq")]
        told(runtime)
    assert len(seqs) == 6
    assert seqs == sorted(set(seqs))
