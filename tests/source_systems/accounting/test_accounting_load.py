"""Accounting's files on their way into bronze: replaced stacks, faults, rows that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from accounting_inbox import Inbox, line

from orchestration import simulators
from orchestration.bronze.load import load_source
from orchestration.failures import ConnectionFailed
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings
from source_systems.accounting.extract import connect
from source_systems.accounting.simulator import faults


def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path | None = None) -> Runtime:
    if folder:
        monkeypatch.setenv("STRATA_ACCOUNTING__FOLDER", str(folder))
    return open_runtime(load_settings(home=tmp_path / "home", tenants_file=tmp_path / "none.yaml", world_size=20))


def load(runtime: Runtime) -> dict[str, Any]:
    results = load_source(runtime, runtime.sources["accounting"], "daily", who="test")
    return {result.entity: result for result in results}


def ask(runtime: Runtime, sql: str) -> list[tuple[Any, ...]]:
    with runtime.warehouse.session("test") as session:
        return list(session.execute(sql))


def test_the_simulated_companys_files_load_whole_and_a_second_load_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = house(tmp_path, monkeypatch)
    first = load(runtime)
    assert {result.status for result in first.values()} == {"loaded"}
    assert sum(result.rejected for result in first.values()) == 0
    ((lines, stacks, charts),) = ask(
        runtime, "SELECT count(*), count(DISTINCT batch), max(chart) FROM bronze_accounting.posting"
    )
    assert (stacks, charts) == (24, "SKR03")
    assert lines > 500
    assert sum(result.changed for result in load(runtime).values()) == 0


def test_days_later_what_new_exports_say_is_what_bronze_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = house(tmp_path, monkeypatch)
    load(runtime)
    simulators.advance(runtime.settings, {"accounting": runtime.sources["accounting"]}, days=6)
    assert load(runtime)["posting"].changed > 0
    folder = tmp_path / "home" / "simulation" / "accounting" / "default"
    told = {(row["batch"], int(row["row_number"])) for row in Inbox(folder).rows()}
    sql = "SELECT batch, row_number FROM bronze_accounting.posting WHERE _deleted_at IS NULL"
    assert set(ask(runtime, sql)) == told


def test_a_stack_that_is_exported_anew_replaces_its_lines(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.drop("EXTF_1.csv", [line(document_number=f"{number}") for number in range(10)])
    runtime = house(tmp_path, monkeypatch, inbox.folder)
    load(runtime)
    inbox.drop("EXTF_2.csv", [line(document_number=f"{number}") for number in range(9)], exported="20260203080000000")
    load(runtime)
    sql = "SELECT document_number, file_name, _deleted_at IS NULL FROM bronze_accounting.posting ORDER BY row_number"
    rows = ask(runtime, sql)
    assert [row[1:] for row in rows[:9]] == [("EXTF_2.csv", True)] * 9
    assert rows[9] == ("9", "EXTF_1.csv", False)


def test_a_bad_row_is_quarantined_with_its_file_and_line_and_the_others_load(
    filled: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = faults.do("bad_row", filled.folder)
    runtime = house(tmp_path, monkeypatch, filled.folder)
    result = load(runtime)["posting"]
    assert (result.status, result.rejected) == ("loaded", 1)
    ((column, raw_row),) = ask(runtime, "SELECT column_name, raw_row FROM strata.quarantine")
    row = json.loads(raw_row)
    assert (row["file_name"], row["row_number"]) == (broken.name, "3")
    assert column == "posted_on"
    assert (row["posted_on"], row["amount"]) == ("3199 (no day of the stack's period)", "12.34 (not in DATEV's form)")


def test_a_line_that_breaks_off_is_quarantined(filled: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = faults.do("cut_off", filled.folder)
    runtime = house(tmp_path, monkeypatch, filled.folder)
    assert load(runtime)["posting"].rejected == 1
    ((raw_row,),) = ask(runtime, "SELECT raw_row FROM strata.quarantine")
    assert broken.name in raw_row


@pytest.mark.parametrize(("fault", "what"), [("missing_column", "contra_account is gone"), ("wrong_encoding", "UTF-8")])
def test_a_file_of_another_form_stops_postings_alone_and_changes_nothing(
    filled: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, what: str
) -> None:
    runtime = house(tmp_path, monkeypatch, filled.folder)
    load(runtime)
    before = ask(runtime, "SELECT count(*) FROM bronze_accounting.posting WHERE _deleted_at IS NULL")
    faults.do(fault, filled.folder)
    results = load(runtime)
    assert results["posting"].status == "failed"
    assert what in results["posting"].message
    assert {result.status for entity, result in results.items() if entity != "posting"} == {"loaded"}
    assert ask(runtime, "SELECT count(*) FROM bronze_accounting.posting WHERE _deleted_at IS NULL") == before


@pytest.mark.parametrize("fault", ["half_written", "duplicate"])
def test_a_file_that_is_being_written_and_one_that_came_twice_change_nothing(filled: Inbox, fault: str) -> None:
    before = filled.rows()
    faults.do(fault, filled.folder)
    assert len(filled.rows()) == len(before)


def test_deletions_are_held_when_the_folder_is_suddenly_empty(
    filled: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = house(tmp_path, monkeypatch, filled.folder)
    load(runtime)
    for path in filled.folder.iterdir():
        path.unlink()
    assert {result.status for result in load(runtime).values()} == {"held"}


def test_a_folder_that_is_not_there_is_a_failed_connection_and_doctor_names_it(tmp_path: Path) -> None:
    gone = Inbox(tmp_path / "gone")
    with pytest.raises(ConnectionFailed, match="gone cannot be read"):
        gone.columns()
    with connect(gone.connection) as extractor:
        assert {check.ok for check in extractor.checks()} == {False}


def test_plain_tables_may_part_values_by_semicolons_and_have_to_be_utf_8(inbox: Inbox) -> None:
    path = inbox.folder / "cost_center.csv"
    path.write_bytes("\ufeffcost_center;name\r\n100;Entwicklung, außen\r\n\r\n200;Vertrieb\r\n".encode())
    assert [(row["cost_center"], row["name"], row["row_number"]) for row in inbox.rows("cost_center")] == [
        ("100", "Entwicklung, außen", "2"), ("200", "Vertrieb", "4"),
    ]  # fmt: skip
    path.write_bytes("cost_center;name\r\n100;außen\r\n".encode("cp1252"))
    with connect(inbox.connection) as extractor:
        (check,) = [check for check in extractor.checks() if "cost_center" in check.name]
    assert (check.ok, "no UTF-8" in check.detail) == (False, True)
