from __future__ import annotations

from dataclasses import replace

import pytest
from simulated_org import SimulatedOrg, account, everything, records_of

from orchestration.contracts.model import Contract
from orchestration.contracts.types import parse_type
from orchestration.failures import SchemaDrift
from source_systems.salesforce.fields import type_of
from source_systems.salesforce.simulator import switches
from source_systems.salesforce.simulator.schema import Field, money


def described(org: SimulatedOrg, contract: Contract) -> dict[str, str]:
    with org.connect() as extractor:
        return {name: str(kind) for name, kind in extractor.describe(contract).items()}


def test_every_contract_holds_what_its_object_has(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with org.connect() as extractor:
        for contract in contracts.values():
            source = extractor.describe(contract)
            for column in contract.columns:
                assert column.type.holds(source[column.source_name]), (contract.entity, column.name)


def test_decimals_carry_the_precision_that_the_org_says(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    types = described(org, contracts["account"])
    assert types["AnnualRevenue"] == "decimal(18,2)"
    assert types["Health_Score__c"] == "decimal(5,2)"


def test_compound_fields_are_left_out_and_their_parts_are_not(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    types = described(org, contracts["account"])
    assert "BillingAddress" not in types
    assert types["BillingCity"] == "text(40)"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "id", "length": 18}, "text(18)"),
        ({"type": "multipicklist", "length": 4099}, "text(4099)"),
        ({"type": "int", "length": 0}, "integer"),
        ({"type": "long", "length": 0}, "bigint"),
        ({"type": "percent", "precision": 5, "scale": 2}, "decimal(5,2)"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "date"}, "date"),
        ({"type": "datetime"}, "timestamp"),
        ({"type": "time"}, "text"),
        ({"type": "encryptedstring", "length": 175}, "text(175)"),
        ({"type": "anyType"}, "text"),
    ],
)
def test_each_field_type_has_a_column_type(field: dict[str, object], expected: str) -> None:
    assert type_of(field) == parse_type(expected)


def test_a_field_that_the_org_added_is_described_and_can_be_read(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    switches.add_field(org.address, org.place, "Account", money("Margin__c", "percent", 7, 4))
    org.write([account(1)])
    assert described(org, contracts["account"])["Margin__c"] == "decimal(7,4)"
    margin = replace(
        contracts["account"].columns[0], name="margin__c", source_name="Margin__c", type=parse_type("text")
    )
    with org.connect() as extractor:
        (record,) = records_of(extractor.extract(contracts["account"].with_added((margin,)), everything()))
    assert record["Margin__c"] is None


def test_a_field_that_the_org_retyped_is_described_so(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    switches.add_field(org.address, org.place, "Account", Field("NumberOfEmployees", "string", length=40))
    assert described(org, contracts["account"])["NumberOfEmployees"] == "text(40)"


def test_a_field_that_the_org_removed_is_not_described_and_fails_a_query_as_drift(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    switches.remove_field(org.address, org.place, "Account", "Industry")
    assert "Industry" not in described(org, contracts["account"])
    with org.connect() as extractor, pytest.raises(SchemaDrift, match="No such column 'Industry'"):
        list(extractor.extract(contracts["account"], everything()))


def test_an_object_that_is_gone_is_drift(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    gone = replace(contracts["account"], physical_name="Acount__c")
    with org.connect() as extractor:
        with pytest.raises(SchemaDrift, match="Acount__c: Salesforce refused: NOT_FOUND"):
            extractor.describe(gone)
        with pytest.raises(SchemaDrift, match="INVALID_TYPE: sObject type 'Acount__c' is not supported"):
            list(extractor.extract(gone, everything()))
