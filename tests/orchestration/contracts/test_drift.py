"""Drift between a source and its contract is told to the letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestration.contracts.drift import find_drift
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.failures import SchemaDrift

CONTRACT = Contract(
    source="crm", entity="account", version="1", description="", owner="sales", physical_name="Account",
    columns=(
        Column("id", "Id", parse_type("text(18)"), required=True),
        Column("annual_revenue", "AnnualRevenue", parse_type("decimal(18,2)")),
    ),
    key=("id",), cursor=None, deletes=Deletes.DAILY, soft_delete_column=None, sweep_every=timedelta(hours=1),
    overlap=timedelta(0), reject_threshold=0, shrink_threshold=0, freshness=timedelta(days=1), additions=Additions.LOAD,
    tenant_column=None,
)  # fmt: skip


def described(**changes: str | None) -> dict[str, ColumnType]:
    columns = {"Id": "text(18)", "AnnualRevenue": "decimal(18,2)", **changes}
    return {name: parse_type(kind) for name, kind in columns.items() if kind}


def test_no_drift_is_no_note() -> None:
    drift = find_drift(CONTRACT, described())
    assert (drift.added, drift.held, drift.note) == ((), (), "")


def test_additions_get_names_of_their_own_in_snake_case() -> None:
    drift = find_drift(
        CONTRACT, described(BillingCity="text", annual_revenue="double", _x="date", HTTPStatus__c="integer")
    )
    names = {column.source_name: column.name for column in drift.added}
    assert names == {
        "BillingCity": "billing_city",
        "annual_revenue": "annual_revenue_2",
        "_x": "x",
        "HTTPStatus__c": "http_status__c",
    }
    assert all(column.added and not column.required for column in drift.added)


def test_every_break_is_named_at_once() -> None:
    with pytest.raises(SchemaDrift) as caught:
        find_drift(replace(CONTRACT), described(Id="", AnnualRevenue="decimal(20,3)"))
    assert caught.value.message == (
        "crm/account: the source no longer fits the contract: column Id is gone; "
        "column AnnualRevenue is now decimal(20,3), the contract says decimal(18,2)."
    )
    assert "contracts/account.yaml" in caught.value.remedy


def test_a_source_that_describes_nothing_is_not_compared() -> None:
    assert not find_drift(CONTRACT, {}).added
