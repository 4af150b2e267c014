"""What Salesforce says when it refuses, and which of our failures that is.

REST errors are a JSON array of ``{message, errorCode}``, OAuth errors an object
``{error, error_description}``; simple-salesforce tells them apart by HTTP status
only, so the code is read here from the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simple_salesforce.exceptions import SalesforceError

from orchestration.failures import (
    AuthenticationFailed,
    ConnectionFailed,
    ContractViolated,
    RateLimited,
    SchemaDrift,
    StrataError,
)

_RETRY_LATER = "It is tried again; if it stays, look at https://status.salesforce.com and the network."
_FAILURES: dict[str, tuple[type[StrataError], str]] = {
    "INVALID_SESSION_ID": (
        AuthenticationFailed,
        "Check that the connected app may hold sessions and the user is active.",
    ),
    "INSUFFICIENT_ACCESS": (AuthenticationFailed, "Give the integration user read access to the object."),
    "API_DISABLED_FOR_ORG": (AuthenticationFailed, "Give the integration user the permission 'API Enabled'."),
    "API_CURRENTLY_DISABLED": (AuthenticationFailed, "Ask Salesforce support to switch the API on again."),
    "REQUEST_LIMIT_EXCEEDED": (RateLimited, "Wait until the 24-hour window moves, or raise the org's API limit."),
    "EXCEEDED_QUOTA": (RateLimited, "Wait until the 24-hour window moves, or raise the org's Bulk API limit."),
    "INVALID_FIELD": (SchemaDrift, "Compare the contract with the object's fields and the user's field permissions."),
    "INVALID_TYPE": (SchemaDrift, "Check the object's name in the contract and the user's object permissions."),
    "NOT_FOUND": (SchemaDrift, "Check the object's name in the contract, its permissions and the API version."),
    "MALFORMED_QUERY": (ContractViolated, "Check the physical names in the contract: the query is made from them."),
    "INVALID_REPLICATION_DATE": (ContractViolated, "Check this machine's clock against Salesforce's."),
    "QUERY_TIMEOUT": (ConnectionFailed, "Read the object through the Bulk API, or ask for an index."),
    "INVALID_QUERY_LOCATOR": (ConnectionFailed, "The query has to start again, which the next attempt does."),
}
_CODES_BY_STATUS = {401: "INVALID_SESSION_ID", 429: "REQUEST_LIMIT_EXCEEDED"}
_TRANSIENT_CODES = {"SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION"}


class Refused(Exception):
    """Salesforce answered with an error that asking again at once does not mend; ``code`` is its errorCode."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code apart: some callers know another way."""
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Broken(Exception):
    """No whole answer came (network, 5xx, cut off); the same request may be sent again at once."""


def refusal(error: SalesforceError) -> Refused | Broken:
    """Read an error that simple-salesforce raised; bodies that are not Salesforce's own are not quoted."""
    content: object = error.content  # the decoded body, although simple-salesforce says bytes
    entries = content if isinstance(content, list) else [content]
    first: dict[str, Any] = entries[0] if entries and isinstance(entries[0], dict) else {}
    code, message = str(first.get("errorCode", "")), str(first.get("message", ""))
    if error.status >= 500 or code in _TRANSIENT_CODES:
        return Broken(f"Salesforce answered with status {error.status} {code}".strip())
    code = _CODES_BY_STATUS.get(error.status, code) or f"HTTP_{error.status}"
    return Refused(code, message or "no reason given")


@contextmanager
def told_as_failures(label: str) -> Iterator[None]:
    """Turn what Salesforce said inside the block into the platform's failures, about ``label``."""
    try:
        yield
    except Refused as error:
        raise failure(error, label) from None
    except Broken as error:
        raise ConnectionFailed(f"{label}: {error}.", _RETRY_LATER) from None


def failure(error: Refused, label: str) -> StrataError:
    """Return the failure that a refusal is; an unknown code is permanent."""
    kind, remedy = _FAILURES.get(
        error.code, (StrataError, "Look the code up in Salesforce's list of API status codes.")
    )
    return kind(f"{label}: Salesforce refused: {error.code}: {error.message.rstrip('.')}.", remedy)
