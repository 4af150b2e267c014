"""The failure taxonomy: what went wrong decides the retry, the wait and whose alert it is.

Every error that a user may see is a :class:`StrataError`. Its message names the
thing at fault (file, row, column, setting); its remedy says what to do. Secrets
never enter either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestration.redaction import redact


class FailureClass(StrEnum):
    """The kinds of failure; each has one :class:`Policy`."""

    CONNECTION = "connection"
    AUTHENTICATION = "authentication"
    RATE_LIMIT = "rate_limit"
    SCHEMA_DRIFT = "schema_drift"
    CONTRACT = "contract"
    QUALITY = "quality"
    SHRINK = "shrink"
    SETTINGS = "settings"
    BUSY = "busy"
    SUSPENDED = "suspended"
    SCRIPT = "script"
    TRANSFORM = "transform"
    PERMANENT = "permanent"


class Owner(StrEnum):
    """Who is told: the owner of the source or table, or whoever runs the platform."""

    SOURCE = "source"
    PLATFORM = "platform"


@dataclass(frozen=True)
class Policy:
    """How a class of failure is treated.

    ``retries`` counts further attempts after the first; ``delay_seconds`` is the
    wait before the first of them (it doubles); ``alert`` is who hears of it.
    """

    retries: int
    delay_seconds: float
    alert: Owner


POLICIES: dict[FailureClass, Policy] = {
    FailureClass.CONNECTION: Policy(3, 30, Owner.PLATFORM),
    FailureClass.AUTHENTICATION: Policy(0, 0, Owner.SOURCE),
    # Salesforce and QuickBooks count calls in windows of minutes to a day: a quick retry only burns more of them.
    FailureClass.RATE_LIMIT: Policy(2, 900, Owner.SOURCE),
    FailureClass.SCHEMA_DRIFT: Policy(0, 0, Owner.SOURCE),
    FailureClass.CONTRACT: Policy(0, 0, Owner.SOURCE),
    FailureClass.QUALITY: Policy(0, 0, Owner.SOURCE),
    FailureClass.SHRINK: Policy(0, 0, Owner.SOURCE),
    FailureClass.SETTINGS: Policy(0, 0, Owner.PLATFORM),
    FailureClass.BUSY: Policy(3, 60, Owner.PLATFORM),
    FailureClass.SUSPENDED: Policy(0, 0, Owner.PLATFORM),
    FailureClass.SCRIPT: Policy(0, 0, Owner.SOURCE),
    FailureClass.TRANSFORM: Policy(0, 0, Owner.SOURCE),
    FailureClass.PERMANENT: Policy(0, 0, Owner.PLATFORM),
}


class StrataError(Exception):
    """An error for people: what is wrong, and what to do about it."""

    failure_class: FailureClass = FailureClass.PERMANENT

    def __init__(self, message: str, remedy: str = "") -> None:
        """Keep the two sentences apart so that a screen can set them apart.

        What a source system said may be quoted in the message; credentials and addresses in it are masked.
        """
        self.message, self.remedy = redact(message), remedy
        super().__init__(f"{self.message} {remedy}".strip())

    @property
    def policy(self) -> Policy:
        """The treatment of this error's class."""
        return POLICIES[self.failure_class]


class ConnectionFailed(StrataError):
    """The source system did not answer, or broke off; trying again may help."""

    failure_class = FailureClass.CONNECTION


class AuthenticationFailed(StrataError):
    """The source system refused the credentials."""

    failure_class = FailureClass.AUTHENTICATION


class RateLimited(StrataError):
    """The source system's call limit is used up."""

    failure_class = FailureClass.RATE_LIMIT


class SchemaDrift(StrataError):
    """The source's structure no longer fits the contract (a column gone or retyped)."""

    failure_class = FailureClass.SCHEMA_DRIFT


class ContractViolated(StrataError):
    """A contract is wrong in itself, or too many rows break it."""

    failure_class = FailureClass.CONTRACT


class GateClosed(StrataError):
    """A quality gate's verdict forbids the next step."""

    failure_class = FailureClass.QUALITY


class ShrinkHeld(StrataError):
    """The source answered with suspiciously few rows; tombstones wait for a person."""

    failure_class = FailureClass.SHRINK


class SettingsError(StrataError):
    """A setting is missing or wrong; the message names it and gives an example."""

    failure_class = FailureClass.SETTINGS


class Busy(StrataError):
    """Somebody else holds the lock and did not let go in time."""

    failure_class = FailureClass.BUSY


class ScriptRefused(StrataError):
    """An analyst's script cannot be run; the message names file, line and construct."""

    failure_class = FailureClass.SCRIPT


class TransformFailed(StrataError):
    """dbt could not build a model."""

    failure_class = FailureClass.TRANSFORM
