"""What a failed connection means. Nothing of the address but its host is told: paths and queries may hold secrets."""

from __future__ import annotations

import ssl

import aiohttp

from orchestration.delivery.channels.addresses import VARIABLE, ForbiddenAddress
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure


def explain(error: aiohttp.ClientError | OSError, host: str, timeout_seconds: float) -> DeliveryFailed:
    """Return the failure that an exception of the HTTP client stands for."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(cause, ForbiddenAddress):
        remedy = f"Register a public https address, or let the operator allow the network: {VARIABLE}."
        return DeliveryFailed(DeliveryFailure.FORBIDDEN_ADDRESS, str(cause), remedy)
    if isinstance(error, aiohttp.InvalidURL):
        return DeliveryFailed(DeliveryFailure.SETTINGS, f"The address at {host} is none that HTTP has.", "Mend url.")
    if isinstance(cause, ssl.SSLError | aiohttp.ClientSSLError):
        return DeliveryFailed(DeliveryFailure.TLS, f"{host}: {_tls_fault(cause)}.", "Mend its certificate, or ca_file.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return DeliveryFailed(DeliveryFailure.DNS, f"The name {host} cannot be resolved.", "Check the address.")
    if isinstance(error, TimeoutError):
        return DeliveryFailed(DeliveryFailure.TIMEOUT, f"{host} did not answer within {timeout_seconds:g} s.")
    return DeliveryFailed(DeliveryFailure.CONNECTION, _connection_fault(error, cause, host))


def _connection_fault(error: BaseException, cause: BaseException, host: str) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        told = getattr(cause, "strerror", None) or type(cause).__name__
        return f"{host} cannot be connected to: {told}."
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{host} did not answer in HTTP."
    return f"{host} closed the connection before it answered ({type(error).__name__})."


def _tls_fault(error: BaseException) -> str:
    told = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
    return f"its certificate is refused, {told}" if isinstance(error, ssl.CertificateError) else f"no TLS, {told}"
