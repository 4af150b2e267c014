"""The gates' rules as data: read, checked, and each written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.contracts.source import find_sources
from orchestration.failures import ContractViolated
from orchestration.names import GOLD, SILVER
from orchestration.quality.expectations import published_view, read_expectations, rules_path
from orchestration.quality.masking import MASK, Masking, known_contracts, read_masking
from orchestration.settings import PROJECT

RULE = "{rule: a, description: d, sql: select 1}"


def read(tmp_path: Path, rules: str) -> list[str]:
    path = tmp_path / "silver.yaml"
    path.write_text(f"tables:\n  silver.x:\n    owner: finance\n    rules: [{rules}]\n")
    return [item.rule for item in read_expectations(path)]


def test_a_rule_has_its_tables_owner_unless_it_names_one(tmp_path: Path) -> None:
    path = tmp_path / "silver.yaml"
    path.write_text(
        "tables: {silver.x: {owner: finance, rules: "
        "[{rule: a, description: d, sql: select 1}, {rule: b, owner: sales, description: d, sql: select 1}]}}"
    )
    assert [(item.table, item.owner, item.severity) for item in read_expectations(path)] == [
        (("silver", "x"), "finance", "blocks"),
        (("silver", "x"), "sales", "blocks"),
    ]


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("{rule: a, description: d}", "write one of sql, expectation and keeps"),
        ("{rule: a, description: d, sql: select 1, keeps: 0.5}", "write one of"),
        ("{rule: a, description: d, sql: select 1, severity: dies}", "severity"),
        ("{rule: a, description: d, sql: select 1, sqll: x}", "sqll"),
        ("{rule: A b, description: d, sql: select 1}", "rule"),
        (f"{RULE}, {RULE}", "stands twice"),
        ("{rule: a", "no YAML"),
    ],
)
def test_a_wrong_rule_is_told_with_its_file_and_place(tmp_path: Path, rules: str, fault: str) -> None:
    with pytest.raises(ContractViolated, match=fault) as error:
        read(tmp_path, rules)
    assert str(tmp_path / "silver.yaml") in error.value.message


def test_no_file_means_no_rules(tmp_path: Path) -> None:
    assert read_expectations(tmp_path / "gold.yaml") == []


@pytest.mark.parametrize("gate", [SILVER, GOLD])
def test_the_projects_rules_name_models_and_owners(gate: str) -> None:
    rules = read_expectations(rules_path(PROJECT / "dbt_project", gate))  # type: ignore[arg-type]
    models = {path.stem for path in (PROJECT / "dbt_project" / "models" / gate).rglob("*.sql")}
    assert rules
    assert {rule.table[0] for rule in rules} == {gate}
    assert {rule.table[1] for rule in rules} <= models


def test_a_rule_that_keeps_rows_compares_with_the_published_version(tmp_path: Path) -> None:
    path = tmp_path / "gold.yaml"
    path.write_text("tables: {gold.x: {owner: o, rules: [{rule: a, description: d, keeps: 0.5}]}}")
    (rule,) = read_expectations(path)
    assert rule.needs_published
    assert published_view(("gold", "x")) in rule.sql


def test_samples_show_what_is_known_to_be_harmless_alone() -> None:
    masking = Masking(frozenset({"status", "note"}))
    row = {"id": 7, "status": "open", "full_name": "Ada Lovelace", "note": "write to ada@example.com", "flag": None}
    assert masking.sample([row]) == (
        f'[{{"id": 7, "status": "open", "full_name": "{MASK}", "note": "write to {MASK}", "flag": null}}]'
    )
    assert masking.sample([]) == ""
    assert masking.sample([row] * 100).count('"id"') == 5


def test_personal_data_of_contracts_and_models_is_masked_wherever_it_appears() -> None:
    sources = find_sources(PROJECT / "source_systems")
    masking = read_masking(known_contracts(sources.values()), PROJECT / "dbt_project")
    assert masking.harmless >= {"_tenant_id", "customer_key", "invoice_status", "gross_amount"}
    assert not masking.harmless & {"email", "full_name", "phone", "first_name", "last_name", "username"}
