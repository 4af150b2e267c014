"""The objects of a simulated org and their fields, as ``describe`` tells of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

_LENGTHS = {"id": 18, "reference": 18, "picklist": 255, "phone": 40, "email": 80, "url": 255}
DECIMALS = ("double", "currency", "percent")
NUMBERS = ("int", *DECIMALS)
COMPOUND = ("address", "location")


@dataclass(frozen=True)
class Field:
    """One field; ``scale`` and ``precision`` for numbers with decimals, ``length`` for text."""

    name: str
    type: str = "string"
    length: int = 0
    precision: int = 0
    scale: int = 0
    calculated: bool = False
    nillable: bool = True

    def described(self) -> dict[str, Any]:
        """Return the field as ``describe`` lists it."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length or _LENGTHS.get(self.type, 0),
            "byteLength": 3 * (self.length or _LENGTHS.get(self.type, 0)),
            "precision": self.precision,
            "scale": self.scale,
            "digits": 8 if self.type == "int" else 0,
            "calculated": self.calculated,
            "custom": self.name.endswith("__c"),
            "nillable": self.nillable,
            "filterable": self.type not in COMPOUND,
            "sortable": self.type not in COMPOUND,
        }


@dataclass(frozen=True)
class SObject:
    """One object; ``replicateable`` ones have a deleted feed."""

    name: str
    prefix: str
    fields: tuple[Field, ...]
    replicateable: bool = True

    def field(self, name: str) -> Field | None:
        """Return a field by its name, which SOQL compares without case."""
        return next((field for field in self.fields if field.name.lower() == name.lower()), None)

    def with_field(self, field: Field) -> SObject:
        """Return the object with a field added, or replaced where it has one of that name."""
        return replace(self, fields=(*self.without(field.name).fields, field))

    def without(self, name: str) -> SObject:
        """Return the object without a field."""
        return replace(self, fields=tuple(field for field in self.fields if field.name != name))

    def summary(self) -> dict[str, Any]:
        """Return the object as the global describe lists it."""
        return {
            "name": self.name,
            "label": self.name,
            "keyPrefix": self.prefix,
            "queryable": True,
            "retrieveable": True,
            "replicateable": self.replicateable,
            "custom": self.name.endswith("__c"),
            "urls": {"sobject": f"/services/data/v62.0/sobjects/{self.name}"},
        }


def text(name: str, length: int = 255) -> Field:
    """Describe a text field."""
    return Field(name, length=length)


def money(name: str, kind: str = "currency", precision: int = 18, scale: int = 2) -> Field:
    """Describe a number with decimals."""
    return Field(name, kind, precision=precision, scale=scale)


_ID = Field("Id", "id", nillable=False)
_OWNER = Field("OwnerId", "reference", nillable=False)
_DELETED = Field("IsDeleted", "boolean", nillable=False)
_CREATED, _STAMP = (Field(name, "datetime", nillable=False) for name in ("CreatedDate", "SystemModstamp"))
_TECHNICAL = (_DELETED, _CREATED, Field("LastModifiedDate", "datetime", nillable=False), _STAMP)
_PERSON = (text("FirstName", 40), text("LastName", 80), Field("Email", "email"))


def _account() -> SObject:
    return SObject(
        "Account",
        "001",
        (
            _ID, text("Name"), Field("Type", "picklist"), Field("Industry", "picklist"), Field("Website", "url"),
            Field("BillingAddress", "address"), text("BillingCity", 40),
            text("BillingCountry", 80), Field("Phone", "phone"), money("AnnualRevenue"),
            Field("NumberOfEmployees", "int"), _OWNER, Field("ParentId", "reference"), text("Customer_Ref__c", 36),
            Field("Health_Score__c", "double", precision=5, scale=2, calculated=True), *_TECHNICAL,
        ),
    )  # fmt: skip


def _opportunity() -> SObject:
    return SObject(
        "Opportunity",
        "006",
        (
            _ID, Field("AccountId", "reference"), text("Name", 120), Field("StageName", "picklist"), money("Amount"),
            Field("CurrencyIsoCode", "picklist", length=3), money("Probability", "percent", 5),
            Field("CloseDate", "date"), Field("Type", "picklist"), Field("IsClosed", "boolean"),
            Field("IsWon", "boolean"), _OWNER, *_TECHNICAL,
        ),
    )  # fmt: skip


def _people() -> tuple[SObject, ...]:
    contact = (_ID, Field("AccountId", "reference"), *_PERSON, Field("Phone", "phone"), text("Title", 128), _OWNER)
    lead = (
        _ID, *_PERSON, text("Company"), text("Country", 80), Field("NumberOfEmployees", "int"),
        Field("Status", "picklist"), Field("LeadSource", "picklist"), Field("IsConverted", "boolean"),
        Field("ConvertedAccountId", "reference"), Field("ConvertedOpportunityId", "reference"),
        Field("ConvertedDate", "date"), _OWNER,
    )  # fmt: skip
    user = (
        _ID, text("Username", 80), text("Name", 121), Field("Email", "email", length=128), Field("IsActive", "boolean"),
        Field("UserRoleId", "reference"), *_TECHNICAL[1:],
    )  # fmt: skip
    return (
        SObject("Contact", "003", (*contact, *_TECHNICAL)),
        SObject("Lead", "00Q", (*lead, *_TECHNICAL)),
        SObject("User", "005", user, replicateable=False),
    )


def _sales() -> tuple[SObject, ...]:
    history = (
        _ID, Field("OpportunityId", "reference"), Field("StageName", "picklist"), money("Amount"),
        money("Probability", "percent", 5), Field("CloseDate", "date"), Field("CreatedById", "reference"),
        _DELETED, _CREATED, _STAMP,
    )  # fmt: skip
    product = (_ID, text("Name"), text("ProductCode"), Field("Family", "picklist"), Field("IsActive", "boolean"))
    contract = (
        _ID, Field("AccountId", "reference"), text("ContractNumber", 30), Field("Status", "picklist"),
        Field("StartDate", "date"), Field("EndDate", "date"), Field("ContractTerm", "int"), _OWNER,
    )  # fmt: skip
    return (
        SObject("OpportunityHistory", "008", history),
        SObject("Product2", "01t", (*product, *_TECHNICAL), replicateable=False),
        SObject("Contract", "800", (*contract, *_TECHNICAL)),
    )


OBJECTS = {item.name: item for item in (_account(), _opportunity(), *_people(), *_sales())}
"""The objects of a new org, by name; an org's own may differ after a switch changed them."""
