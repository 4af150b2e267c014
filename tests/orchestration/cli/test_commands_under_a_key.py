"""``strata status`` and ``strata quarantine`` under a key: its tenant, its scopes, and the same refusals as reading."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

Strata = Callable[..., Any]
HoldsKey = Callable[..., None]
LISTS = (("status",), ("quarantine", "list"))


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    """The id of one rejected row of each tenant, once they are loaded."""
    return {}


@pytest.fixture(autouse=True)
def rejected(strata: Strata, narrow_roles: Callable[[], object], loaded: dict[str, str]) -> dict[str, str]:
    if not loaded:
        strata("load", "product", "--mode", "daily", "--entity", "app_user")
        entries = strata("quarantine", "list", "--json", "--limit", "1000").document["entries"]
        loaded.update({entry["tenant_id"]: entry["quarantine_id"] for entry in entries})
        assert {"acme", "globex"} <= set(loaded)
    return loaded


@pytest.fixture
def holds_key(strata: Strata, monkeypatch: pytest.MonkeyPatch) -> HoldsKey:
    """Put a key with the given scopes into ``STRATA_KEY``; of acme, or ``of`` another."""

    def hold(*scopes: str, of: str = "acme") -> None:
        monkeypatch.delenv("STRATA_KEY", raising=False)
        for known in strata("key", "list", "--json").document:
            strata("key", "revoke", known["key_id"])
        options = [part for scope in scopes for part in ("--scope", scope)]
        made = strata("key", "create", of, "-".join(("portal", *scopes)), *options, "--json").document
        monkeypatch.setenv("STRATA_KEY", made["secret"])

    return hold


def test_a_key_sees_the_status_of_its_tenant_alone(strata: Strata, holds_key: HoldsKey) -> None:
    assert "globex" in strata("status").out
    holds_key("status")
    told = strata("status", "--json")
    assert {entity["tenant"] for entity in told.document["entities"]} == {"acme"}
    assert "globex" not in told.out + strata("status").out
    assert strata("status", "--tenant", "acme").code == 0


def test_a_key_sees_the_rejects_of_its_tenant_alone(
    strata: Strata, holds_key: HoldsKey, rejected: dict[str, str]
) -> None:
    holds_key("quarantine")
    entries = strata("quarantine", "list", "product", "--json").document["entries"]
    assert {entry["tenant_id"] for entry in entries} == {"acme"}
    assert strata("quarantine", "show", rejected["acme"], "--json").document["tenant_id"] == "acme"
    foreign, unknown = strata("quarantine", "show", rejected["globex"]), strata("quarantine", "show", "nothing")
    assert (foreign.code, foreign.out) == (unknown.code, unknown.out) == (1, "")
    assert foreign.err.replace(rejected["globex"], "nothing") == unknown.err


def test_personal_values_need_the_scope_pii(strata: Strata, holds_key: HoldsKey, rejected: dict[str, str]) -> None:
    holds_key("quarantine")
    show = ("quarantine", "show", rejected["acme"])
    shown = (*show, "--json")
    assert "@" not in strata(*shown).document["raw_row"]["email"]
    for command in (show, ("quarantine", "list")):
        refused = strata(*command, "--reveal")
        assert (refused.code, refused.out) == (1, "")
        assert "'pii'" in refused.err
    holds_key("quarantine", "pii")
    assert "@" not in strata(*shown).document["raw_row"]["email"]
    assert "@" in strata(*shown, "--reveal").document["raw_row"]["email"]


@pytest.mark.parametrize("command", LISTS)
def test_another_tenant_is_refused_as_in_reading(strata: Strata, holds_key: HoldsKey, command: tuple[str, ...]) -> None:
    holds_key("read", "status", "quarantine")
    for tenant in ("globex", "nobody"):
        answer, reading = strata(*command, "--tenant", tenant), strata("read", "--tenant", tenant)
        assert answer == reading
        assert f"There is no tenant '{tenant}'" in answer.err


@pytest.mark.parametrize("command", [*LISTS, ("quarantine", "show", "nothing")])
def test_what_is_no_key_is_refused_as_in_reading(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("STRATA_KEY", "garbage")
    answer = strata(*command)
    assert answer == strata("read")
    assert (answer.code, answer.out) == (1, "")
    assert "not accepted" in answer.err


@pytest.mark.parametrize(("command", "scope"), [(LISTS[0], "status"), (LISTS[1], "quarantine")])
def test_a_missing_scope_is_named(strata: Strata, holds_key: HoldsKey, command: tuple[str, ...], scope: str) -> None:
    holds_key("read")
    answer = strata(*command)
    assert (answer.code, answer.out) == (1, "")
    assert f"lacks the permission '{scope}'" in answer.err


def test_a_key_of_the_platform_names_the_tenant(strata: Strata, holds_key: HoldsKey, rejected: dict[str, str]) -> None:
    holds_key("status", "quarantine", of="*")
    assert "--tenant" in strata("status").err
    named = strata("status", "--tenant", "acme", "--tenant", "globex", "--json").document["entities"]
    assert {entity["tenant"] for entity in named} == {"acme", "globex"}
    assert strata("quarantine", "show", rejected["globex"]).code == 0


def test_status_without_a_key_brings_in_no_reader() -> None:
    heavy = ("orchestration.access.tenant_access", "orchestration.control.key_ring", "sqlglot")
    script = f"import sys, orchestration.cli.commands.status; print([n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
