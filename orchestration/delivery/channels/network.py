"""How channels reach a host: through addresses that may be connected to, over TLS that is checked."""

from __future__ import annotations

import asyncio
import socket
import ssl

from orchestration.delivery.channels.addresses import VARIABLE, AddressGuard, ForbiddenAddress
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

_OFFERS_NONE = "NO_TLS"
_NO_TLS = {_OFFERS_NONE, "WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"}
"""The last ones are what OpenSSL says of a server that answers in clear, by its versions."""


def permitted_addresses(guard: AddressGuard, host: str, port: int, *, encrypted: bool = True) -> list[str]:
    """Return the addresses of a host that may be connected to; at least one. Blocks.

    Whoever connects, connects to one of these and not to the name, which may lead elsewhere a second later.

    Raises:
        DeliveryFailed: the name leads nowhere, or nowhere where deliveries may go.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise DeliveryFailed(DeliveryFailure.DNS, f"The name {host} cannot be resolved.", "Check it.") from None
    try:
        return guard.require((str(place[0]) for *_, place in found), host, encrypted=encrypted)
    except ForbiddenAddress as error:
        remedy = f"Register a public address, or let the operator allow the network: {VARIABLE}."
        raise DeliveryFailed(DeliveryFailure.FORBIDDEN_ADDRESS, str(error), remedy) from None


async def permitted_address(guard: AddressGuard, host: str, port: int, *, encrypted: bool) -> str:
    """Return one of them.

    Raises:
        DeliveryFailed: see :func:`permitted_addresses`.
    """
    return (await asyncio.to_thread(permitted_addresses, guard, host, port, encrypted=encrypted))[0]


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return how TLS is checked: against the system's authorities, or those of a file.

    Raises:
        DeliveryFailed: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        message = f"ca_file {ca_file} cannot be read: {error.strerror or type(error).__name__}."
        raise DeliveryFailed(DeliveryFailure.SETTINGS, message, "Name a PEM file of certificates.") from None


def tls_failed(host: str, error: ssl.SSLError) -> DeliveryFailed:
    """Return the failure of a server whose certificate is refused, or that speaks no TLS."""
    if error.reason in _NO_TLS:
        remedy = f"Switch TLS on there; or --set tls=no, which is allowed inside the networks of {VARIABLE} only."
        return DeliveryFailed(DeliveryFailure.TLS, f"{host}: the server offers no TLS.", remedy)
    fault = getattr(error, "verify_message", "") or error.reason or error.args[-1]
    return DeliveryFailed(DeliveryFailure.TLS, f"{host}: {fault}.", "Mend its certificate, or ca_file.")


def no_tls() -> ssl.SSLError:
    """Return the error of a server that said itself that it has no TLS."""
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, "the server offers no TLS")
    error.reason = _OFFERS_NONE
    return error
