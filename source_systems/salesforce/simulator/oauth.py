"""The token endpoint: client credentials and JWT bearer, with OAuth's own error bodies."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

import jwt
from aiohttp import web

from source_systems.salesforce.simulator.errors import OAuthError
from source_systems.salesforce.simulator.life import client_secret
from source_systems.salesforce.simulator.state import STATE, Org, State

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


async def token(request: web.Request) -> web.Response:
    """Exchange credentials for a session."""
    state = request.app[STATE]
    form = {name: str(value) for name, value in (await request.post()).items()}
    flows = {"client_credentials": _by_secret, _JWT_BEARER: _by_assertion}
    flow = flows.get(form.get("grant_type", ""))
    if flow is None:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    org = flow(state, form | _basic(request))
    return web.json_response(
        {
            "access_token": state.open_session(org),
            "scope": "api",
            "instance_url": state.url,
            "id": f"{state.url}/id/00D5f0000000001EAA/0055f0000000001AAA",
            "token_type": "Bearer",
        }
    )


def _basic(request: web.Request) -> dict[str, str]:
    """Read client id and secret from a Basic header, which wins over the form."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return {}
    client, _, secret = base64.b64decode(credentials).decode().partition(":")
    return {"client_id": client, "client_secret": secret}


def _org(state: State, client: str) -> Org:
    org = state.org_of_client(client)
    if org is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    return org


def _by_secret(state: State, form: Mapping[str, str]) -> Org:
    org = _org(state, form.get("client_id", ""))
    wanted = client_secret(state.secret, org.place)
    if not hmac.compare_digest(wanted, form.get("client_secret", "")):
        raise OAuthError("invalid_client", "invalid client credentials")
    return org


def _by_assertion(state: State, form: Mapping[str, str]) -> Org:
    """Verify an assertion with the certificate that was uploaded for its user."""
    assertion = form.get("assertion", "")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
        org = _org(state, str(claims.get("iss", "")))
        key = org.trusted.get(str(claims.get("sub", "")))
        if key is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        required: jwt.types.Options = {"require": ["iss", "sub", "aud", "exp"]}
        jwt.decode(assertion, key, algorithms=["RS256"], audience=[*_AUDIENCES, state.url], options=required)
    except jwt.InvalidAudienceError:
        raise OAuthError("invalid_grant", "audience is invalid") from None
    except jwt.PyJWTError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    return org
