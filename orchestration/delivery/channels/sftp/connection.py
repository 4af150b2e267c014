"""Connects to an SFTP server: its pinned key is asked for and compared before any credential is sent."""

from __future__ import annotations

import io
import logging
import socket
from contextlib import suppress

import paramiko

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.channels.network import permitted_addresses
from orchestration.delivery.channels.sftp.host_keys import HostKeys, fingerprint, read_host_keys
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

DEFAULT_PORT = 22
_KEEPALIVE_SECONDS = 30
_FASTEST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""282 against 178 MB/s with AES-CTR, which stays for servers that have no other."""
_KEY_CLASSES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)

# What goes wrong is told by the exceptions; paramiko would write tracebacks of its threads beside them.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def open_channel(endpoint: Endpoint, guard: AddressGuard) -> paramiko.Channel:
    """Return a channel that speaks SFTP. Blocks.

    Raises:
        DeliveryFailed: the server is out of reach, shows another key or refuses the credentials.
    """
    place = f"{endpoint.get('host')}:{_port(endpoint)}"
    try:
        transport = _greet(endpoint, guard)
    except TimeoutError:
        raise DeliveryFailed(DeliveryFailure.TIMEOUT, f"{place} did not answer in time.") from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise DeliveryFailed(DeliveryFailure.CONNECTION, f"{place} cannot be reached: {error}.") from None
    try:
        _authenticate(transport, endpoint)
        channel = transport.open_session(timeout=endpoint.timeout_seconds)
        channel.invoke_subsystem("sftp")
    except BaseException as error:
        transport.close()
        if isinstance(error, (OSError, EOFError, paramiko.SSHException)):
            raise DeliveryFailed(DeliveryFailure.CONNECTION, f"{place} offers no SFTP: {error}.") from None
        raise
    return channel


def _port(endpoint: Endpoint) -> int:
    return int(endpoint.get("port") or DEFAULT_PORT)


def _greet(endpoint: Endpoint, guard: AddressGuard) -> paramiko.Transport:
    """Agree on keys with the server, and compare its own with the pinned one."""
    pinned = read_host_keys(endpoint.get("host_key"))
    transport = paramiko.Transport(_connect(endpoint, guard))
    try:
        transport.banner_timeout = transport.auth_timeout = endpoint.timeout_seconds
        options = transport.get_security_options()
        options.ciphers = (*_FASTEST, *(name for name in options.ciphers if name not in _FASTEST))
        if pinned.signatures:
            options.key_types = pinned.signatures
        _start(transport, endpoint, pinned)
        transport.set_keepalive(_KEEPALIVE_SECONDS)
    except BaseException:
        transport.close()
        raise
    return transport


def _connect(endpoint: Endpoint, guard: AddressGuard) -> socket.socket:
    """Connect to one of the host's addresses that may be connected to."""
    permitted = permitted_addresses(guard, endpoint.get("host"), _port(endpoint))
    for address in permitted[:-1]:
        with suppress(OSError):
            return _socket(address, endpoint)
    return _socket(permitted[-1], endpoint)


def _socket(address: str, endpoint: Endpoint) -> socket.socket:
    connected = socket.create_connection((address, _port(endpoint)), endpoint.timeout_seconds)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _start(transport: paramiko.Transport, endpoint: Endpoint, pinned: HostKeys) -> None:
    try:
        transport.start_client(timeout=endpoint.timeout_seconds)
    except paramiko.IncompatiblePeer as error:
        if "host key" not in str(error):
            raise
        raise _other_key(endpoint, f"has no host key of the pinned kind ({', '.join(pinned.kinds)})") from None
    shown = transport.get_remote_server_key()
    if fingerprint(shown.asbytes()) not in pinned.fingerprints:
        raise _other_key(endpoint, f"shows the host key {shown.get_name()} {fingerprint(shown.asbytes())}")


def _other_key(endpoint: Endpoint, fault: str) -> DeliveryFailed:
    message = f"{endpoint.get('host')} {fault}, which is not the registered one: nothing was sent."
    remedy = "Ask the server's owner, not over this connection; if it changed, register the new host_key."
    return DeliveryFailed(DeliveryFailure.HOST_KEY, message, remedy)


def _authenticate(transport: paramiko.Transport, endpoint: Endpoint) -> None:
    user = endpoint.get("user")
    try:
        if endpoint.secret("key"):
            transport.auth_publickey(user, _private_key(endpoint))
        if not transport.is_authenticated():
            transport.auth_password(user, endpoint.secret("password"))
    except paramiko.AuthenticationException:
        message = f"{endpoint.get('host')} refused the credentials of user {user!r}."
        remedy = "Check user, key and password with the server's owner."
        raise DeliveryFailed(DeliveryFailure.AUTHENTICATION, message, remedy) from None


def _private_key(endpoint: Endpoint) -> paramiko.PKey:
    text, passphrase = endpoint.secret("key") + "\n", endpoint.secret("passphrase") or None
    for kind in _KEY_CLASSES:
        # Each class refuses the others' keys in its own way: ValueError, TypeError, SSHException.
        with suppress(paramiko.SSHException, ValueError, TypeError, UnicodeDecodeError):
            return kind.from_private_key(io.StringIO(text), passphrase)
    message = "The secret key is no private key (OpenSSH or PEM; ed25519, ECDSA, RSA), or its passphrase is wrong."
    raise DeliveryFailed(DeliveryFailure.SETTINGS, message, "Give the file's whole text, and its passphrase.")
