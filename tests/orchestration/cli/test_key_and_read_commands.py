"""``strata key`` and ``strata read``: a key is made, opens one tenant's rows, and ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from made_tables import make_table

from orchestration.publication.publish import publish
from orchestration.runtime import open_runtime
from orchestration.warehouse.apply import apply

Strata = Callable[..., Any]
USAGE = ("gold", "usage")


@pytest.fixture(scope="module", autouse=True)
def published(home: Path) -> None:
    """A published table with rows of both tenants under the same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATA_HOME", str(home))
        runtime = open_runtime()
    with runtime.warehouse.session("prepare") as session:
        apply(session)
        make_table(
            session,
            USAGE,
            "SELECT t AS _tenant_id, n AS id, n * 1.5 AS amount, 'of ' || t AS note "
            "FROM (VALUES ('acme'), ('globex')) AS tenants(t), range(1, 4) AS numbers(n)",
        )
        publish(session, runtime, [USAGE], {USAGE: ("_tenant_id", "id")}, "test")


@pytest.fixture
def key(strata: Strata, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a key of acme's, which is in ``STRATA_KEY``."""
    for known in strata("key", "list", "--json").document:
        strata("key", "revoke", known["key_id"])
    made = strata("key", "create", "acme", "portal", "--scope", "read", "--scope", "sql", "--json").document
    monkeypatch.setenv("STRATA_KEY", made["secret"])
    return str(made["key_id"])


def test_an_operator_reads_for_a_tenant_that_is_named(strata: Strata) -> None:
    rows = strata("read", "gold.usage", "--tenant", "globex", "--where", "id>=2", "--order", "-id", "--json").document
    assert [(row["_tenant_id"], row["id"]) for row in rows] == [("globex", 3), ("globex", 2)]
    assert strata("read", "gold.usage").code == 1
    assert "--tenant" in strata("read").err


def test_a_key_reads_its_own_tenant_and_no_other(strata: Strata, key: str) -> None:
    assert strata("read", "--json").document[0] | {"columns": 0} == {"table": "gold.usage", "rows": 3, "columns": 0}
    assert [row["note"] for row in strata("read", "gold.usage", "--json").document] == ["of acme"] * 3
    foreign, unknown = strata("read", "--tenant", "globex"), strata("read", "--tenant", "nobody")
    assert (foreign.code, foreign.out) == (unknown.code, unknown.out) == (1, "")
    assert foreign.err.replace("globex", "nobody") == unknown.err


def test_sql_of_a_key_sees_the_tenants_rows_alone(strata: Strata, key: str, home: Path) -> None:
    answer = strata("read", "--sql", "SELECT DISTINCT _tenant_id FROM gold.usage", "--csv")
    assert list(csv.reader(io.StringIO(answer.out))) == [["_tenant_id"], ["acme"]]
    outside = strata("read", "--sql", f"SELECT * FROM read_parquet('{home}/published/gold/usage/*.parquet')")
    assert outside.code == 1
    assert "outside the tenant's tables" in outside.err


def test_columns_that_have_no_room_beside_each_other_are_shown_row_by_row(strata: Strata, key: str) -> None:
    wide = ", ".join(f"'the value of {number}' AS column_{number}" for number in range(40))
    shown = strata("read", "--sql", f"SELECT {wide} UNION ALL SELECT {wide.replace('value', 'other')}").out
    first, second = shown.split("Row 2 of 2")
    assert "Row 1 of 2" in first
    for number in range(40):
        assert f"column_{number} the value of {number} " in " ".join([*first.split(), ""])
        assert f"column_{number} the other of {number} " in " ".join([*second.split(), ""])


def test_few_columns_stand_beside_each_other(strata: Strata, key: str) -> None:
    shown = strata("read", "--sql", "SELECT 'a' AS first, 'b' AS second").out
    assert [line.split() for line in shown.splitlines()] == [["first", "second"], ["a", "b"]]


def test_rows_go_into_a_parquet_file(strata: Strata, key: str, tmp_path: Path) -> None:
    file = tmp_path / "usage.parquet"
    assert strata("read", "gold.usage", "--limit", "0", "--column", "id", "--out", str(file)).code == 0
    assert pq.read_table(file).to_pydict() == {"id": [1, 2, 3]}


def test_a_revoked_key_is_refused(strata: Strata, key: str) -> None:
    assert f"strata_{key}" in strata("key", "list").out
    assert strata("key", "check", "--json").document["permissions"] == ["read", "sql"]
    assert strata("key", "list", "--json").document[0]["last_used_at"] is None
    strata("read")
    assert strata("key", "list", "--json").document[0]["last_used_at"]
    assert strata("key", "revoke", key).code == 0
    refused = strata("read")
    assert refused.code == 1
    assert "not accepted" in refused.err
    assert f"strata_{key}" not in strata("key", "list").out
    assert "revoked" in strata("key", "list", "--all").out


def test_a_rotated_key_works_beside_the_new_one(strata: Strata, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    new = strata("key", "rotate", f"strata_{key}", "--json").document
    assert strata("read").code == 0
    monkeypatch.setenv("STRATA_KEY", new["secret"])
    assert strata("read").code == 0
    assert {item["state"] for item in strata("key", "list", "--json").document} == {"live", "replaced"}
    assert strata("key", "rotate", key).code == 3


def test_a_key_that_is_revoked_twice_is_revoked_already(strata: Strata, key: str) -> None:
    assert "is revoked." in strata("key", "revoke", key).out
    assert "is revoked already." in strata("key", "revoke", key).out.replace("\n", " ")


def test_the_check_of_a_suspended_tenants_key_says_so(strata: Strata, key: str) -> None:
    assert "suspended" not in strata("key", "check").out
    strata("tenant", "suspend", "acme")
    told, document = strata("key", "check").out, strata("key", "check", "--json").document
    strata("tenant", "resume", "acme")
    assert "Tenant acme is suspended" in told
    assert document["tenant_state"] == "suspended"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("key", "create", "nobody", "portal", "--scope", "read"), "Tenant 'nobody' is unknown"),
        (("key", "create", "acme", "portal", "--scope", "everything"), "'everything' is no permission"),
        (("key", "revoke", "strata_0000000000000000"), "There is no key strata_0000000000000000"),
        (("key", "list", "--tenant", "nobody"), "Tenant 'nobody' is unknown"),
        (("control", "audit", "--tenant", "nobody"), "Tenant 'nobody' is unknown"),
        (("key", "check"), "STRATA_KEY is not set"),
        (("read", "gold.nothing", "--tenant", "acme"), "There is no table gold.nothing"),
        (("read", "gold.usage", "--tenant", "acme", "--where", "id=many"), "'many' is no BIGINT"),
        (("read", "gold.usage", "--tenant", "acme", "--where", "id"), "'id' is no comparison"),
        (("read", "usage", "--tenant", "acme"), "is not schema.table"),
        (("read", "gold.usage", "--tenant", "acme", "--out", "/no/such/x.parquet"), "There is no folder /no/such."),
        (("read", "gold.usage", "--tenant", "acme", "--out", "/"), "/ is a folder"),
        (("read", "gold.usage", "--tenant", "acme", "--json", "--csv"), "--csv or --json, not both"),
        (("read", "--tenant", "acme", "--sql", "DROP TABLE x"), "Only a single SELECT"),
    ],
)
def test_what_is_wrong_is_told_in_words(strata: Strata, arguments: tuple[str, ...], words: str) -> None:
    answer = strata(*arguments)
    assert answer.code in {1, 2, 3}
    assert words in answer.out + answer.err


def test_a_secret_is_shown_once_and_nowhere_else(strata: Strata, home: Path) -> None:
    secret = strata("key", "create", "globex", "portal", "--scope", "read").out.split("\n")[1].partition(".")[2]
    assert len(secret) == 43
    others = strata("key", "list", "--json").out + strata("control", "audit", "--json").out
    assert secret not in others
    files = (path for path in home.rglob("*") if path.is_file())
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
