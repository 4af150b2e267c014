"""The copies of the logs follow them: rows that come or go at once, rows changed in place when somebody looks well."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, current_thread
from time import sleep
from typing import Any

import pytest

from orchestration.publication import exported
from orchestration.publication.event_log import LOG, NewEvent, record_events
from orchestration.publication.exported import copy_path, events, export_logs, mend_logs
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from orchestration.warehouse.apply import apply

EMPTIED = f"""UPDATE {LOG} SET data = '{{}}' WHERE data = '{{"number":2}}'"""


@pytest.fixture
def runtime(settings_of: Callable[..., Settings], tmp_path: Path) -> Runtime:
    opened = open_runtime(settings_of(tmp_path))
    with opened.warehouse.session("test") as session:
        apply(session)
        record_events(session, [NewEvent("load.failed", "acme", "crm/lead", {"number": n}) for n in (1, 2, 3)])
        export_logs(session, opened.settings)
    return opened


def change(runtime: Runtime, statement: str, *, thorough: bool = False) -> None:
    with runtime.warehouse.session("test") as session:
        session.execute(statement)
        export_logs(session, runtime.settings, thorough=thorough)


def numbers(runtime: Runtime) -> list[object]:
    return [event.data.get("number") for event in events(runtime.settings, 0, 100)]


@pytest.mark.parametrize(("number", "left"), [(1, [2, 3]), (3, [1, 2])])
def test_a_row_that_is_gone_is_gone_from_the_copy(runtime: Runtime, number: int, left: list[int]) -> None:
    change(runtime, f"DELETE FROM {LOG} WHERE data = '{{\"number\":{number}}}'")
    assert numbers(runtime) == left


def test_a_row_that_changed_in_place_is_found_by_who_looks_thoroughly(runtime: Runtime) -> None:
    change(runtime, EMPTIED, thorough=True)
    assert numbers(runtime) == [1, None, 3]


def test_rows_are_added_to_the_copy_that_is_there(runtime: Runtime) -> None:
    with runtime.warehouse.session("test") as session:
        record_events(session, [NewEvent("load.failed", "acme", "crm/lead", {"number": n}) for n in (4, 5)])
        export_logs(session, runtime.settings)
    assert numbers(runtime) == [1, 2, 3, 4, 5]


def test_a_row_that_is_gone_while_another_came_is_gone_from_the_copy(runtime: Runtime) -> None:
    with runtime.warehouse.session("test") as session:
        record_events(session, [NewEvent("load.failed", "acme", "crm/lead", {"number": 4})])
    change(runtime, f"""DELETE FROM {LOG} WHERE data = '{{"number":2}}'""")
    assert numbers(runtime) == [1, 3, 4]


@pytest.mark.parametrize("warehouse", [pytest.param("sqlserver", marks=pytest.mark.sqlserver)], indirect=True)
def test_who_looks_beside_a_writer_never_brings_back_an_older_copy(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older copy ends before what was delivered, which is the sign of a restored warehouse."""
    write, writer, fetched = exported._export, current_thread(), Event()

    def slowly_for_others(*given: Any) -> None:
        if current_thread() is not writer:
            fetched.set()
            sleep(0.5)
        write(*given)

    monkeypatch.setattr(exported, "_export", slowly_for_others)
    with ThreadPoolExecutor(1) as pool, runtime.warehouse.session("test") as session:
        record_events(session, [NewEvent("load.failed", "acme", "crm/lead", {"number": 4})])
        looking = pool.submit(mend_logs, runtime)
        assert fetched.wait(20)
        record_events(session, [NewEvent("load.failed", "acme", "crm/lead", {"number": 5})])
        export_logs(session, runtime.settings)
        looking.result()
    assert numbers(runtime) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)  # a server has no file whose time would tell
def test_what_was_changed_by_a_process_that_died_is_mended_by_the_next_look(runtime: Runtime) -> None:
    with runtime.warehouse.session("test") as session:
        session.execute(EMPTIED)
    os.utime(runtime.settings.warehouse_file)
    assert mend_logs(runtime)
    assert numbers(runtime) == [1, None, 3]


def test_a_copy_that_differs_in_nothing_is_left_alone(runtime: Runtime) -> None:
    before = copy_path(runtime.settings, "event_log").stat().st_ino
    for thorough in (False, True):
        change(runtime, "SELECT 1", thorough=thorough)
    assert copy_path(runtime.settings, "event_log").stat().st_ino == before
