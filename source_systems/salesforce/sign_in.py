"""Signing in: OAuth client credentials, or JWT bearer where a user and a private key are set.

simple-salesforce's own login builds ``https://<domain>.salesforce.com`` and prints the
consumer key in a warning, so the token is fetched here and handed to it. Neither flow
has a refresh token: an expired session is replaced by signing in again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import requests

from orchestration.contracts.extraction import Connection
from orchestration.failures import AuthenticationFailed, SettingsError
from source_systems.salesforce.refusals import Broken

_ASSERTION_SECONDS = 180
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, repr=False)
class Token:
    """A session: the bearer token and the address of the org's instance."""

    access_token: str
    instance_url: str


def host_of(connection: Connection) -> str:
    """Return the org's host (and port) from the setting ``domain``, however it was pasted."""
    return connection.get("domain").removeprefix("https://").split("/")[0]


def sign_in(connection: Connection, session: requests.Session) -> Token:
    """Ask the org for a session.

    Raises:
        AuthenticationFailed: the org refused; says its reason, never a secret.
        SettingsError: neither flow's settings are complete.
        Broken: the org did not answer; may be asked again.
    """
    form = _form(connection)
    try:
        reply = session.post(f"https://{host_of(connection)}/services/oauth2/token", data=form)
    except requests.RequestException as error:
        raise Broken(f"{host_of(connection)} could not be reached ({type(error).__name__})") from None
    body = _body(reply)
    if reply.status_code == requests.codes.ok and "access_token" in body:
        return Token(str(body["access_token"]), str(body["instance_url"]))
    if reply.status_code >= 500 or not body:
        raise Broken(f"the sign-in answered with status {reply.status_code}")
    reason = f"{body.get('error', reply.status_code)}: {body.get('error_description', 'no reason given')}"
    raise AuthenticationFailed(
        f"{connection.label}: the sign-in was refused: {_without_secrets(reason, form)}.",
        "Check consumer key, secret or certificate, the run-as user and the connected app's policies.",
    )


def _form(connection: Connection) -> dict[str, str]:
    if connection.get("username") and connection.get("private_key_file"):
        return {"grant_type": _JWT_BEARER, "assertion": _assertion(connection)}
    if connection.get("client_secret"):
        return {
            "grant_type": "client_credentials",
            "client_id": connection.get("client_id"),
            "client_secret": connection.get("client_secret"),
        }
    raise SettingsError(
        f"{connection.label}: no way to sign in.",
        "Set CLIENT_SECRET (client credentials), or USERNAME and PRIVATE_KEY_FILE (JWT bearer).",
    )


def _assertion(connection: Connection) -> str:
    path = Path(connection.get("private_key_file"))
    sandbox = ".sandbox." in host_of(connection) or host_of(connection).startswith("test.")
    claims = {
        "iss": connection.get("client_id"),
        "sub": connection.get("username"),
        "aud": f"https://{'test' if sandbox else 'login'}.salesforce.com",
        "exp": int(time.time()) + _ASSERTION_SECONDS,
    }
    try:
        return jwt.encode(claims, path.read_bytes(), algorithm="RS256")
    except (OSError, ValueError, TypeError, jwt.PyJWTError):
        message = f"{connection.label}: PRIVATE_KEY_FILE: {path} is no readable RSA key in PEM form."
        raise SettingsError(message, "Create one with: openssl genrsa -out salesforce.pem 2048") from None


def _body(reply: requests.Response) -> dict[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _without_secrets(text: str, form: dict[str, str]) -> str:
    for name in ("client_id", "client_secret", "assertion"):
        if form.get(name):
            text = text.replace(form[name], "***")
    return text
