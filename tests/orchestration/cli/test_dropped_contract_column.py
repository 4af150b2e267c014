"""A column taken out of a contract is named wherever a person looks: load, status, doctor, ``generate --check``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT

Strata = Callable[..., Any]
LOAD = ("load", "product", "--mode", "daily", "--entity", "invoice")
DUE_ON = """      - name: due_on
"""


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The invoice's contract, in a copy of the source systems, without the day on which invoices are due."""
    folder = tmp_path / "source_systems"
    shutil.copytree(PROJECT / "source_systems", folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("STRATA_SOURCES_DIR", str(folder))
    path = folder / "product" / "contracts" / "invoice.yaml"
    before, due_on, after = path.read_text(encoding="utf-8").partition(DUE_ON)
    assert due_on
    path.write_text(before + "      - name: " + after.split("      - name: ", 1)[1], encoding="utf-8")
    return path


def notes(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if "due_on" in line]


@pytest.mark.usefixtures("contract")
def test_load_and_status_name_it_once_for_all_tenants(strata: Strata) -> None:
    answer = strata(*LOAD)
    assert answer.code == 0
    for printed in (answer.out, strata("status").out):
        (line,) = notes(printed)
        assert line.startswith("product/invoice of acme, globex: Column added at the source and loaded: due_on (date).")
        assert "contracts/invoice.yaml" in line


@pytest.mark.usefixtures("contract")
def test_the_doctor_names_it_and_that_dbt_is_told_otherwise(strata: Strata) -> None:
    strata(*LOAD)
    checks = strata("doctor", "--offline", "--json").document["checks"]
    found = {check["name"]: check["ok"] for check in checks if "due_on" in check["detail"]}
    assert found == {"product/invoice of acme, globex": True, "product/_sources.yml": False}


def test_nothing_is_said_of_a_contract_that_names_every_column(strata: Strata) -> None:
    assert notes(strata(*LOAD).out + strata("status").out + strata("doctor", "--offline").out) == []


@pytest.mark.usefixtures("contract")
def test_a_stale_source_file_is_told_with_the_column(strata: Strata) -> None:
    answer = strata("generate", "--check")
    assert answer.code == 1
    assert "bronze_product.invoice: due_on is not in the contract any more" in answer.out
    (differences,) = strata("generate", "--check", "--json").document["differences"].values()
    assert any("due_on" in text for text in differences)
