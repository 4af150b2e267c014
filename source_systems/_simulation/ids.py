"""Ids as the systems make them: Salesforce's 18 characters with their checksum, and UUIDs."""

from __future__ import annotations

from hashlib import md5
from uuid import UUID

PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "Product2": "01t",
    "Contract": "800",
    "User": "005",
}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(table: str, number: int) -> str:
    """Return the 18-character id of an object's row; numbers below 62**9 give distinct ids."""
    digits = []
    for _ in range(9):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    short = PREFIXES[table] + "5f0" + "".join(reversed(digits))
    return short + checksum(short)


def checksum(short: str) -> str:
    """Return the three characters that tell apart 15-character ids which differ in case alone."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, letter in enumerate(short[start : start + 5]) if letter.isupper())
        suffix += _CHECKSUM[bits]
    return suffix


def uuid_of(*parts: object) -> str:
    """Return a UUID that these parts always give."""
    digest = md5("/".join(map(str, parts)).encode(), usedforsecurity=False).digest()
    return str(UUID(bytes=digest, version=4))
