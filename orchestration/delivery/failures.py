"""What can go wrong with a delivery, and what follows from it: another attempt, or none."""

from __future__ import annotations

from enum import StrEnum

from orchestration.failures import FailureClass, StrataError


class DeliveryFailure(StrEnum):
    """The kinds of failed attempts."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DNS = "dns"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    REDIRECT = "redirect"
    THROTTLED = "throttled"
    GONE = "gone"
    FORBIDDEN_ADDRESS = "forbidden_address"
    AUTHENTICATION = "authentication"
    HOST_KEY = "host_key"
    STORAGE = "storage"
    TOO_LARGE = "too_large"
    UNCONFIRMED = "unconfirmed"
    SETTINGS = "settings"
    PAYLOAD = "payload"
    CRASHED = "crashed"
    SUSPENDED = "suspended"


PERMANENT = frozenset(
    {
        DeliveryFailure.GONE,
        DeliveryFailure.FORBIDDEN_ADDRESS,
        DeliveryFailure.AUTHENTICATION,
        DeliveryFailure.HOST_KEY,
        DeliveryFailure.TOO_LARGE,
        DeliveryFailure.SETTINGS,
    }
)
"""Failures that another attempt would only repeat: a dead letter at once, until a person mends the cause."""

ENDPOINT_FAULTS = frozenset(DeliveryFailure) - {
    DeliveryFailure.PAYLOAD,
    DeliveryFailure.TOO_LARGE,
    DeliveryFailure.CRASHED,
}
"""Failures that say something of the endpoint, so that its breaker counts them."""


class DeliveryFailed(StrataError):
    """An attempt failed. ``retry_after`` is in seconds, ``answer`` the beginning of what came back."""

    failure_class = FailureClass.CONNECTION

    def __init__(
        self,
        failure: DeliveryFailure,
        message: str,
        remedy: str = "",
        *,
        status_code: int | None = None,
        retry_after: float | None = None,
        answer: str = "",
    ) -> None:
        """Keep what the attempt's record and the retry need."""
        super().__init__(message, remedy)
        self.failure, self.status_code, self.retry_after, self.answer = failure, status_code, retry_after, answer

    @property
    def is_permanent(self) -> bool:
        """Whether another attempt would only repeat it."""
        return self.failure in PERMANENT
