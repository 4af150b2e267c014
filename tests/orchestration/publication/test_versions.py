"""Published tables: immutable versions that readers in other processes can trust."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from made_tables import make_table

from orchestration.failures import SettingsError, StrataError
from orchestration.publication import pointer
from orchestration.publication import publish as publishing
from orchestration.publication.log import PublishedVersion
from orchestration.publication.pointer import pointer_path, published_tables
from orchestration.publication.published_reader import connect_published, current_path
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import apply, open_warehouse

TABLE = ("gold", "customer")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    settings = Settings(home=tmp_path, published_versions=2, _env_file=None)
    runtime = Runtime(settings, {}, {}, open_warehouse(settings), None)
    with runtime.warehouse.session("set up") as session:
        apply.apply(session)
        make_table(session, TABLE, "SELECT range AS id, 'a' AS name FROM range(10)")
    return runtime


def publish(
    runtime: Runtime, *statements: str, keys: tuple[str, ...] = ("id",), build: str = "b1"
) -> list[PublishedVersion]:
    with runtime.warehouse.session("publish") as session:
        for statement in statements:
            session.execute(statement)
        return publishing.publish(session, runtime, [TABLE], {TABLE: keys}, build)


def read(runtime: Runtime, sql: str) -> list[tuple[object, ...]]:
    with connect_published(runtime.settings) as con:
        return con.execute(sql).fetchall()


def test_a_published_table_is_read_without_the_warehouse(runtime: Runtime) -> None:
    (version,) = publish(runtime)
    assert (version.version, version.rows, version.inserted) == (1, 10, 10)
    assert published_tables(runtime.settings) == [TABLE]
    with runtime.warehouse.session("busy"):
        assert read(runtime, "SELECT count(*) FROM gold.customer") == [(10,)]


def test_differences_are_told_by_key(runtime: Runtime) -> None:
    publish(runtime)
    (version,) = publish(
        runtime,
        "UPDATE gold.customer SET name = 'b' WHERE id < 3",
        "DELETE FROM gold.customer WHERE id = 9",
        "INSERT INTO gold.customer VALUES (100, 'new'), (101, NULL)",
    )
    assert (version.inserted, version.updated, version.deleted) == (2, 3, 1)
    assert read(runtime, "SELECT count(*) FROM gold.customer WHERE name = 'b'") == [(3,)]


def test_a_table_without_a_key_is_compared_by_content(runtime: Runtime) -> None:
    publish(runtime, keys=())
    assert publish(runtime, keys=()) == []
    (version,) = publish(runtime, "UPDATE gold.customer SET name = 'b' WHERE id < 3", keys=())
    assert (version.inserted, version.updated, version.deleted) == (3, 0, 3)


def test_nothing_new_publishes_nothing(runtime: Runtime) -> None:
    publish(runtime)
    assert publish(runtime, build="b2") == []


def test_a_new_shape_is_a_new_version(runtime: Runtime) -> None:
    publish(runtime)
    (version,) = publish(runtime, "ALTER TABLE gold.customer ADD COLUMN city VARCHAR")
    assert version.version == 2
    assert read(runtime, "SELECT count(city) FROM gold.customer") == [(0,)]


def test_an_empty_table_is_published_and_stays_one_version(runtime: Runtime) -> None:
    publish(runtime, "DELETE FROM gold.customer")
    assert read(runtime, "SELECT * FROM gold.customer") == []
    assert publish(runtime) == []


def test_a_pointer_that_a_crash_left_behind_is_mended_from_the_log(runtime: Runtime) -> None:
    publish(runtime)
    before = pointer_path(runtime.settings, TABLE).read_bytes()
    publish(runtime, "DELETE FROM gold.customer WHERE id = 1")
    pointer_path(runtime.settings, TABLE).write_bytes(before)
    with runtime.warehouse.session("open again") as session:
        assert publishing.mend_pointers(session, runtime.settings) == [TABLE]
    assert read(runtime, "SELECT count(*) FROM gold.customer") == [(9,)]


def _publish_and_fail(runtime: Runtime) -> None:
    with runtime.warehouse.session("publish") as session, session.transaction():
        session.execute("DELETE FROM gold.customer")
        publishing._publish_table(session, runtime.settings, TABLE, ("id",), "b2")
        raise RuntimeError


def test_a_publication_that_is_rolled_back_leaves_readers_where_they_were(runtime: Runtime) -> None:
    publish(runtime)
    with pytest.raises(RuntimeError):
        _publish_and_fail(runtime)
    assert read(runtime, "SELECT count(*) FROM gold.customer") == [(10,)]
    (version,) = publish(runtime, "DELETE FROM gold.customer WHERE id = 1")
    assert (version.version, version.deleted) == (2, 1)


def test_old_versions_go_only_when_no_reader_can_be_in_them(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for number in range(4):
        publish(runtime, f"UPDATE gold.customer SET name = 'v{number}'")
        files.append(current_path(runtime.settings, TABLE))
    assert all(file.exists() for file in files)
    monkeypatch.setattr(publishing, "READERS_LEAVE_AFTER", timedelta(0))
    publish(runtime, "UPDATE gold.customer SET name = 'last'")
    assert [file.exists() for file in files] == [False, False, False, True]


def test_an_unpublished_table_is_told_by_name(runtime: Runtime) -> None:
    with pytest.raises(StrataError, match=r"gold\.nobody has not been published"):
        current_path(runtime.settings, ("gold", "nobody"))
    with (
        pytest.raises(StrataError, match=r"gold\.nobody is not in the warehouse"),
        runtime.warehouse.session("publish") as session,
    ):
        publishing.publish(session, runtime, [("gold", "nobody")], {}, "b")


def test_nothing_published_says_where_it_looked_and_what_to_set(runtime: Runtime) -> None:
    with pytest.raises(SettingsError, match="Nothing is published below") as refused:
        connect_published(runtime.settings)
    assert str(runtime.settings.published_dir) in refused.value.message
    assert "STRATA_HOME" in refused.value.remedy


def test_the_rows_of_a_tenant_lie_together(runtime: Runtime) -> None:
    with runtime.warehouse.session("fill") as session:
        tenants = "['acme', 'globex', 'initech'][1 + range % 3]"
        make_table(session, TABLE, f"SELECT {tenants} AS _tenant_id, range AS id FROM range(300000)")
    (version,) = publish(runtime)
    groups = read(
        runtime,
        "SELECT stats_min_value, stats_max_value FROM parquet_metadata("
        f"'{version.path}') WHERE path_in_schema = '_tenant_id' ORDER BY row_group_id",
    )
    assert groups == sorted(groups)
    assert len(groups) > 1
    assert ("acme", "initech") not in groups


def publish_two(runtime: Runtime, number: int, tables: tuple[str, ...] = ("one", "two")) -> None:
    with runtime.warehouse.session("publish") as session:
        for name in tables:
            make_table(session, ("gold", name), f"SELECT {number} AS number")
        publishing.publish(session, runtime, [("gold", name) for name in tables], {}, f"b{number}")


@pytest.mark.parametrize("step", range(5))
def test_readers_see_all_tables_of_a_publication_or_none_wherever_it_dies(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    publish_two(runtime, 1)
    writes, write = iter(range(5)), pointer.replace_file

    def dying(path: Path, content: bytes) -> None:
        if next(writes) == step:
            raise OSError
        write(path, content)

    monkeypatch.setattr(pointer, "replace_file", dying)
    with contextlib.suppress(OSError):
        publish_two(runtime, 2, ("one", "three", "two"))
    monkeypatch.setattr(pointer, "replace_file", write)
    assert read(runtime, "SELECT * FROM gold.one UNION ALL SELECT * FROM gold.two") == [(1,), (1,)]
    assert published_tables(runtime.settings) == [("gold", "one"), ("gold", "two")]
    publish_two(runtime, 3, ("two",))
    assert read(runtime, "SELECT o.number, t.number, h.number FROM gold.one o, gold.two t, gold.three h") == [(2, 3, 2)]
