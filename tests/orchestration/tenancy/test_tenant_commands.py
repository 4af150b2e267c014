"""The tenant's commands as an operator gives them; a suspension holds from the next load and read on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tenancy_house import fill, settings_now

from orchestration.cli import main

Strata = Callable[..., "Answer"]


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def strata(folder: Path, capfd: pytest.CaptureFixture[str]) -> Strata:
    def run(*arguments: str) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capfd.readouterr()
        return Answer(int(end.value.code or 0), out, err)

    return run


@pytest.fixture(scope="module", autouse=True)
def filled(folder: Path) -> None:
    fill(settings_now())


def test_an_operator_takes_a_tenant_on_board_moves_and_removes_it(strata: Strata, tmp_path: Path) -> None:
    assert strata("plan", "set", "small", "--quota", "connections=1").code == 0
    assert strata("plan", "set", "large", "--feature", "finance=off").code == 0
    added = strata("tenant", "add", "initech", "--plan", "small", "--no-first-load", "--json").document
    assert (added["tenant"]["state"], added["loads"]) == ("active", [])
    assert added["api_key"].startswith("strata_")
    assert strata("tenant", "plan", "initech", "large", "--quota", "connections=9").code == 0
    shown = strata("tenant", "show", "initech", "--json").document
    assert (shown["plan"], shown["quotas"], shown["features"]) == ("large", {"connections": 9}, {"finance": False})
    assert added["api_key"] not in json.dumps(shown)
    listed = {row["tenant"]: row for row in strata("tenant", "list", "--json").document["tenants"]}
    assert set(listed) == {"acme", "globex", "initech"}
    assert listed["acme"]["last_load_at"]
    plans = {row["plan_id"]: row["tenants"] for row in strata("plan", "list", "--json").document["plans"]}
    assert plans == {"small": 0, "large": 1}
    assert strata("tenant", "export", "initech", "--to", str(tmp_path / "out"), "--json").document["files"] > 10
    refused = strata("tenant", "remove", "initech")
    assert (refused.code, "--yes initech" in refused.err) == (3, True)
    removed = strata("tenant", "remove", "initech", "--yes", "initech", "--json").document
    assert {item["place"] for item in removed["found"]} >= {"control plane"}
    assert strata("tenant", "show", "initech").code == 3


def test_a_suspended_tenant_is_neither_loaded_nor_read(strata: Strata) -> None:
    read = ("read", "gold.owner", "--tenant", "acme", "--json")
    load = ("load", "salesforce", "--mode", "hourly", "--entity", "account", "--tenant", "acme", "--json")
    assert (strata(*read).code, strata(*load).code) == (0, 0)
    assert strata("tenant", "suspend", "acme").code == 0
    refused = strata(*read)
    assert refused.code != 0
    assert "suspended" in refused.out
    assert "rows" not in refused.document
    assert strata(*load).document.get("loads", []) == []
    assert strata("read", "gold.owner", "--tenant", "globex", "--json").code == 0
    assert strata("tenant", "resume", "acme").code == 0
    assert (strata(*read).code, strata(*load).code) == (0, 0)


def test_an_erasure_reads_its_value_from_standard_input(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = tmp_path / "value"
    given.write_text("nobody@example.com\n", encoding="utf-8")
    with given.open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        answer = strata("tenant", "erase", "acme", "--value", "-", "--json")
    assert answer.document == {"found": [], "keys": 0}
    assert "nobody@example.com" not in answer.out + answer.err
    trail = strata("control", "audit", "--tenant", "acme").out
    assert "erase" in trail
    assert "nobody@example.com" not in trail
