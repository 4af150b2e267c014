"""Contract files: what a good one gives, and how a wrong one is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.contracts.model import Additions, Deletes, PiiForm
from orchestration.contracts.reader import read_contract
from orchestration.failures import ContractViolated

GOOD = """
apiVersion: v3.1.0
kind: DataContract
id: crm.invoice
version: 1.2.0
status: active
team: {name: billing}
slaProperties: [{property: freshness, value: 3, unit: h}]
schema:
  - name: invoice
    physicalName: public.invoice
    customProperties:
      - {property: cursor, value: updated_at}
      - {property: deletes, value: sweep}
      - {property: additions, value: hold}
      - {property: overlap, value: 20m}
    properties:
      - {name: line, physicalType: integer, primaryKey: true, primaryKeyPosition: 2}
      - {name: id, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, physicalName: Amount__c, physicalType: "decimal(18,2)", required: true}
      - {name: status, physicalType: text(20), enum: [{value: open}, {value: paid}]}
      - {name: email, physicalType: text, classification: pii}
      - {name: updated_at, physicalType: timestamp, required: true}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "invoice.yaml"
    path.write_text(text)
    return path


def test_a_contract_gives_key_cursor_types_and_rules(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, GOOD), "crm")
    assert contract.table == ("bronze_crm", "invoice")
    assert contract.key == ("id", "line")
    assert (contract.cursor, contract.deletes, contract.additions) == ("updated_at", Deletes.SWEEP, Additions.HOLD)
    assert (contract.freshness, contract.overlap) == (timedelta(hours=3), timedelta(minutes=20))
    assert contract.owner == "billing"
    amount = contract.column("amount")
    assert (amount.source_name, str(amount.type), amount.required) == ("Amount__c", "decimal(18,2)", True)
    assert contract.column("status").allowed == ("open", "paid")
    assert contract.column("email").pii
    assert contract.column("id").required, "a key is always required"


PERSONAL = "classification: pii"


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (PERSONAL, PiiForm.HASH),
        (f"{PERSONAL}, customProperties: [{{property: pii, value: hash}}]", PiiForm.HASH),
        (f"{PERSONAL}, customProperties: [{{property: pii, value: mask}}]", PiiForm.MASK),
        (f"{PERSONAL}, customProperties: [{{property: pii, value: clear, description: Printed.}}]", PiiForm.CLEAR),
    ],
)
def test_a_personal_column_has_the_form_that_the_contract_gives_it(tmp_path: Path, written: str, form: PiiForm) -> None:
    email = read_contract(write(tmp_path, GOOD.replace(PERSONAL, written)), "crm").column("email")
    assert (email.pii, email.pii_form) == (True, form)


@pytest.mark.parametrize(
    ("column", "written", "message"),
    [
        ("text", "customProperties: [{property: pii, value: mask}]", "'email': the property pii needs classification"),
        ("text", "classification: pii, customProperties: [{property: pii, value: hide}]", "pii: 'hide' is unknown"),
        ("text", "classification: pii, customProperties: [{property: pii, value: clear}]", "clear needs its reason"),
        (
            "text",
            "classification: pii, customProperties: [{property: pi, value: mask}]",
            "'email': customProperties: 'pi'",
        ),
        (
            "date",
            "classification: pii, customProperties: [{property: pii, value: mask}]",
            "mask is for text, not for date",
        ),
        ("timestamp", "classification: pii", "hash is not for timestamp; write clear"),
    ],
)
def test_a_misuse_of_the_form_is_told_with_its_column(tmp_path: Path, column: str, written: str, message: str) -> None:
    mistaken = f"name: email, physicalType: {column}, {written}"
    path = write(tmp_path, GOOD.replace("name: email, physicalType: text, classification: pii", mistaken))
    with pytest.raises(ContractViolated) as caught:
        read_contract(path, "crm")
    assert str(path) in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("decimal(18,2)", "money", "column 'amount': type 'money' is unknown"),
        ("decimal(18,2)", "decimal(2,4)", "precision must be 1 to 38"),
        ("cursor, value: updated_at", "cursor, value: changed", "cursor: 'changed' is no column"),
        ("cursor, value: updated_at", "cursor, value: id", "cursor: 'id' must be a timestamp"),
        ("deletes, value: sweep", "deletes, value: maybe", "'maybe' is not a valid Deletes"),
        ("property: overlap", "property: overlapp", "'overlapp' is unknown"),
        ("20m", "20 minutes", "is no duration; write 15m"),
        ("name: email,", "name: E-mail,", "column 'E-mail': names are snake_case"),
        ("name: email,", "name: status,", "column 'status' stands twice"),
        ("primaryKey: true, ", "", "no column has primaryKey: true"),
        ("team: {name: billing}", "", "team.name is missing"),
        ("- name: invoice", "- name: bill", "differs from the file's name 'invoice'"),
        ("kind: DataContract", "knid: DataContract", "knid"),
        ("schema:", "schema: [", "no YAML: "),
    ],
)
def test_a_wrong_contract_is_told_with_file_and_place(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = write(tmp_path, GOOD.replace(before, after))
    with pytest.raises(ContractViolated) as caught:
        read_contract(path, "crm")
    assert str(path) in caught.value.message
    assert message in caught.value.message
