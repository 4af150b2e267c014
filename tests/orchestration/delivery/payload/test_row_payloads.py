"""What a consumer gets of a table: the rows that changed since its last delivery, or all of them; its own alone."""

from __future__ import annotations

import csv
import io
import json

import jsonschema_rs
import pyarrow.parquet as pq
import pytest
from payload_scene import Scene

from orchestration.delivery.events.catalogue import PLATFORM_TYPES
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure


def test_the_first_delivery_of_changes_is_everything_the_tenant_has(scene: Scene) -> None:
    document = scene.document(scene.registration(), None, 1)
    assert document["data"]["complete"] is True
    assert [(row["_change"], row["id"], row["note"]) for row in document["data"]["rows"]] == [
        ("insert", 1, "note of acme"),
        ("insert", 2, "note of acme"),
        ("insert", 3, "note of acme"),
    ]


def test_changes_are_those_since_the_last_delivery_not_since_the_last_version(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET note = 'two' WHERE id = 2", "DELETE FROM gold.bill WHERE id = 1")
    scene.publish("INSERT INTO gold.bill VALUES ('acme', 1, 'note of acme', 1.10, DATE '2026-01-31', 1)")
    scene.publish("DELETE FROM gold.bill WHERE id = 3")
    assert scene.changes(scene.registration(), 1, 4) == [("update", 2), ("delete", 3)]


def test_the_envelope_is_a_cloud_event_whose_data_fit_the_schema(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET note = 'two' WHERE id = 2")
    for payload in ("reference", "changes", "snapshot"):
        wish = scene.registration(payload)
        document = scene.document(wish, 1, 2)
        assert (document["specversion"], document["id"], document["source"]) == ("1.0", "msg_1", "/strata/acme")
        assert document["type"] == f"{wish.events[0]}.v1"
        assert (document["subject"], document["time"]) == ("gold.bill", "2025-12-01T00:00:00.000Z")
        jsonschema_rs.validate(PLATFORM_TYPES[wish.events[0]].schema, document["data"])


def test_another_tenants_changes_are_nothing_to_deliver(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET note = 'other' WHERE _tenant_id = 'globex'")
    assert scene.compose(scene.registration(), 1, 2) is None


def test_a_change_in_a_column_that_is_not_sent_is_nothing_to_deliver(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET note = 'new'", "UPDATE gold.bill SET _hidden = 2")
    for payload in ("changes", "snapshot"):
        assert scene.compose(scene.registration(payload, columns=("amount",)), 1, 2) is None


def test_a_row_that_no_longer_meets_the_condition_is_deleted_for_the_consumer(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET amount = 0.5 WHERE id = 3", "UPDATE gold.bill SET amount = 9 WHERE id = 1")
    wish = scene.registration(where=("amount>=2",))
    assert scene.changes(wish, 1, 2) == [("insert", 1), ("delete", 3)]
    # In globex alone the ids 1 to 3 changed likewise: none of its rows came.
    assert all(row["note"] == "note of acme" for row in scene.document(wish, 1, 2)["data"]["rows"])


def test_the_key_comes_with_changes_and_the_platforms_columns_never(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET amount = 7 WHERE id = 2")
    (row,) = scene.document(scene.registration(columns=("amount",)), 1, 2)["data"]["rows"]
    assert row == {"_change": "update", "id": 2, "amount": "7.00"}
    snapshot = scene.document(scene.registration("snapshot"), None, 2)["data"]["rows"]
    assert set(snapshot[0]) == {"id", "note", "amount", "paid_on"}


def test_without_a_key_a_changed_row_is_one_deleted_and_one_inserted(scene: Scene) -> None:
    scene.key = ()
    scene.publish("INSERT INTO gold.bill SELECT * FROM gold.bill WHERE id = 1")
    scene.publish("UPDATE gold.bill SET note = 'x' WHERE id = 2", "DELETE FROM gold.bill WHERE id = 1")
    assert sorted(scene.changes(scene.registration(), 2, 3)) == [
        ("delete", 1),
        ("delete", 1),
        ("delete", 2),
        ("insert", 2),
    ]


def test_a_column_that_came_empty_changes_no_row_and_a_key_that_came_changes_all(scene: Scene) -> None:
    scene.publish("ALTER TABLE gold.bill ADD COLUMN city VARCHAR")
    assert scene.compose(scene.registration(), 1, 2) is None
    scene.key = ("_tenant_id", "city")
    scene.publish("UPDATE gold.bill SET city = 'c' || id")
    data = scene.document(scene.registration(), 1, 3)["data"]
    assert (data["complete"], data["inserted"]) == (True, 3)


def test_where_the_version_before_is_gone_everything_comes(scene: Scene) -> None:
    (version,) = scene.publish("DELETE FROM gold.bill WHERE id = 1")
    version.path.with_name("v000001.parquet").unlink()
    data = scene.document(scene.registration(), 1, 2)["data"]
    assert (data["complete"], data["inserted"]) == (True, 2)


def test_csv_is_exact_by_rfc_4180_and_runs_no_formula(scene: Scene) -> None:
    nasty = '=cmd|"/c calc",1'
    scene.publish(
        f"UPDATE gold.bill SET note = '{nasty}', amount = -12345678901234.50 WHERE id = 1",
        "UPDATE gold.bill SET note = E'two\\nlines, ''quoted'' \"so\"' WHERE id = 2",
        "UPDATE gold.bill SET note = NULL, paid_on = NULL WHERE id = 3",
    )
    message = scene.compose(scene.registration("snapshot", "csv"), 1, 2)
    assert message is not None
    assert message.rows == 3
    assert message.body.endswith(b"\r\n")
    header, one, two, three = csv.reader(io.StringIO(message.body.decode(), newline=""))
    assert header == ["id", "note", "amount", "paid_on"]
    assert one == ["1", "'" + nasty, "-12345678901234.50", "2026-01-31"]
    assert two[1] == "two\nlines, 'quoted' \"so\""
    assert three == ["3", "", "3.10", ""]


def test_every_form_of_a_formula_is_defused(scene: Scene) -> None:
    for begin in ("=", "+", "-", "@", "\\t", "\\r", "\N{FULLWIDTH EQUALS SIGN}"):
        (version,) = scene.publish(f"UPDATE gold.bill SET note = E'{begin}1+1' WHERE _tenant_id = 'acme'")
        message = scene.compose(scene.registration("snapshot", "csv", columns=("note",)), None, version.version)
        assert message is not None
        rows = list(csv.reader(io.StringIO(message.body.decode(), newline="")))
        assert all(row[0].startswith("'") for row in rows[1:]), begin


def test_ndjson_and_parquet_hold_the_rows_alone(scene: Scene) -> None:
    scene.publish("UPDATE gold.bill SET note = 'é' WHERE id = 2")
    lines = scene.compose(scene.registration("changes", "ndjson"), 1, 2)
    assert lines is not None
    assert json.loads(lines.body) == {
        "_change": "update",
        "id": 2,
        "note": "é",
        "amount": "2.10",
        "paid_on": "2026-01-31",
    }
    columnar = scene.compose(scene.registration("snapshot", "parquet"), 1, 2)
    assert columnar is not None
    table = pq.read_table(io.BytesIO(columnar.body))
    assert table.column_names == ["id", "note", "amount", "paid_on"]
    assert (str(table.schema.field("amount").type), table.num_rows) == ("decimal128(18, 2)", 3)


def test_what_is_larger_than_a_body_may_be_comes_as_a_file(scene: Scene) -> None:
    message = scene.compose(scene.registration("snapshot"), None, 1, largest=10)
    assert message is not None
    assert (message.body, message.extension) == (b"", "json")
    assert message.file is not None
    assert len(json.loads(message.file.read_bytes())["data"]["rows"]) == 3


def test_times_numbers_and_bytes_have_one_spelling(scene: Scene) -> None:
    scene.publish(
        "ALTER TABLE gold.bill ADD COLUMN seen_at TIMESTAMP",
        "ALTER TABLE gold.bill ADD COLUMN share DOUBLE",
        "ALTER TABLE gold.bill ADD COLUMN raw BLOB",
        "ALTER TABLE gold.bill ADD COLUMN zoned TIMESTAMPTZ",
        "UPDATE gold.bill SET seen_at = '2026-03-01 12:00:00.25', share = 'nan', raw = 'abc'::BLOB, "
        "zoned = '2026-03-01 12:00:00+02'",
    )
    wish = scene.registration("snapshot", where=("id=1",), columns=("seen_at", "share", "raw", "zoned"))
    (row,) = scene.document(wish, None, 2)["data"]["rows"]
    assert row == {
        "seen_at": "2026-03-01T12:00:00.250000Z",
        "share": None,
        "raw": "YWJj",
        "zoned": "2026-03-01T10:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("change", "wish", "said"),
    [
        ("ALTER TABLE gold.bill DROP COLUMN note", {"columns": ("note",)}, "no column note"),
        ("ALTER TABLE gold.bill DROP COLUMN note", {"where": ("note=x",)}, "no column 'note'"),
        ("DELETE FROM gold.bill WHERE id = 1", {"where": ("amount>=many",)}, "cannot be read"),
    ],
)
def test_what_cannot_be_composed_names_the_table_and_the_fault(
    scene: Scene, change: str, wish: dict[str, tuple[str, ...]], said: str
) -> None:
    scene.publish(change)
    with pytest.raises(DeliveryFailed, match=said) as failed:
        scene.compose(scene.registration("snapshot", **wish), 1, 2)
    assert failed.value.failure is DeliveryFailure.PAYLOAD
    assert "gold.bill" in failed.value.message


def test_a_version_that_is_gone_is_no_silent_success(scene: Scene) -> None:
    with pytest.raises(DeliveryFailed, match="version 9 is not there any more"):
        scene.compose(scene.registration("snapshot"), None, 9)


def test_a_reference_says_which_version_and_needs_no_file(scene: Scene) -> None:
    data = scene.document(scene.registration("reference"), 7, 9)["data"]
    assert data == {"table": "gold.bill", "version": 9, "previous_version": 7, "key": ["id"]}
