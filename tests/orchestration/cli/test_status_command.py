"""``strata status``: what it makes of the status file, told as a person reads it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestration.publication.status import BuildStatus, EntityStatus, Status, builder_mark, status_path
from orchestration.settings import load_settings

Strata = Callable[..., Any]
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def two_tenants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Acme and globex are registered, in a state of the test's own."""
    path = tmp_path / "tenants.yaml"
    names = ("acme", "globex")
    path.write_text("tenants:\n" + "".join(f"  {name}: {{connections: {{product: simulated}}}}\n" for name in names))
    monkeypatch.setenv("STRATA_TENANTS_FILE", str(path))
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    return path


def entity(tenant: str, name: str, **fields: Any) -> EntityStatus:
    plain = EntityStatus(
        tenant=tenant, source="product", connection="main", entity=name, mode="full", requested="daily",
        status="loaded", message="", load_id="l", last_load_at=NOW, loaded_at=NOW, watermark=NOW, daily_at=NOW,
        rejects_open=0, held=0, fresh_for_seconds=3600,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


def held(tenant: str, name: str) -> EntityStatus:
    return entity(tenant, name, status="held", message="40% of 10 rows are gone, more than 20%.", held=4)


def write(*entities: EntityStatus, **fields: Any) -> None:
    path = status_path(load_settings())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(Status(written_at=NOW, entities=entities, **fields)))


def test_a_tenant_that_is_configured_no_more_is_marked(strata: Strata, two_tenants: Path) -> None:
    write(entity("acme", "invoice"), entity("gone", "invoice"))
    answer = strata("status")
    assert [line for line in answer.out.splitlines() if "gone " in line and "not configured" in line]
    assert "gone/product: not configured, but has loads in the warehouse. Add it to tenants.yaml" in answer.out
    assert "acme/product: not configured" not in answer.out
    shown = {item["tenant"]: item["configured"] for item in strata("status", "--json").document["entities"]}
    assert shown == {"acme": True, "gone": False}


def test_a_late_entity_is_told_apart_from_a_fresh_one(strata: Strata) -> None:
    write(entity("acme", "invoice", loaded_at=NOW - timedelta(hours=5)), entity("acme", "payment"))
    lines = {line.split()[0]: line for line in strata("status").out.splitlines() if "acme" in line}
    assert "late, 5 h" in lines["invoice"]
    assert "late" not in lines["payment"]


def test_what_is_held_alike_is_released_by_one_command(strata: Strata) -> None:
    write(held("acme", "invoice"), held("acme", "payment"), held("globex", "invoice"), held("globex", "payment"))
    commands = [line for line in strata("status").out.splitlines() if "--force" in line]
    assert len(commands) == 1
    assert "--entity invoice --entity payment --tenant acme --tenant globex" in commands[0]


def test_no_command_releases_what_is_not_held(strata: Strata) -> None:
    write(held("acme", "invoice"), held("globex", "payment"), entity("acme", "payment"))
    commands = [line for line in strata("status").out.splitlines() if "--force" in line]
    assert ["--entity invoice --tenant acme " in line for line in commands] == [True, False]
    assert ["--entity payment --tenant globex " in line for line in commands] == [False, True]


def test_what_failed_alike_is_told_once(strata: Strata) -> None:
    lost = [entity("acme", name, status="failed", message="Nobody answers.") for name in ("a", "b", "c", "d", "e")]
    write(*lost, entity("globex", "a", status="failed", message="The login is refused."))
    told = [line for line in strata("status").out.splitlines() if line.startswith(("acme/", "globex/"))]
    assert told == [
        "acme/product/a, acme/product/b, acme/product/c and 2 more: Nobody answers.",
        "globex/product/a: The login is refused.",
    ]


@pytest.fixture
def builder() -> Iterator[subprocess.Popen[str]]:
    """Another process that shows itself as the one that builds the warehouse."""
    mark = str(builder_mark(load_settings(), "warehouse"))
    code = "import sys; from pathlib import Path; from orchestration.warehouse.presence import appear\n"
    code += "appear(Path(sys.argv[1])); print('there', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, mark], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield process
        process.kill()


def test_a_build_whose_process_was_killed_is_interrupted_at_once(
    strata: Strata, builder: subprocess.Popen[str]
) -> None:
    build = BuildStatus(
        kind="warehouse", build_id="b", up_to_seq=7, good_up_to_seq=3, status="running", started_at=NOW,
        finished_at=None,
    )  # fmt: skip
    write(entity("acme", "invoice"), builds=(build,))
    assert "warehouse build: running since" in strata("status").out
    builder.kill()
    builder.wait()
    assert "warehouse build: interrupted (its process is gone)" in strata("status").out
    assert strata("status", "--json").document["builds"][0]["status"] == "interrupted"
