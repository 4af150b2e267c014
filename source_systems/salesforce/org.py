"""One signed-in Salesforce org: every request goes through here, with deadline, retries and limits.

simple-salesforce knows the addresses and headers; replies are kept as received, because
its own calls decode JSON into Python floats, which money does not survive.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import stamina
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from simple_salesforce.util import call_salesforce

from orchestration.contracts.extraction import Connection
from orchestration.failures import SettingsError
from source_systems.salesforce.limits import Usage, parse_limit_info, require_allowance
from source_systems.salesforce.refusals import Broken, Refused, refusal
from source_systems.salesforce.sign_in import Token, host_of, sign_in

T = TypeVar("T")
API_VERSION = "62.0"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Patience:
    """How long to wait and how much to ask for at once; times in seconds, sizes in rows.

    A query with ``bulk_from`` rows or more goes through the Bulk API, which costs a
    handful of requests however many rows there are.
    """

    connect: float = 10.0
    read: float = 120.0
    attempts: int = 3
    first_wait: float = 0.5
    bulk_from: int = 10_000
    rest_page: int = 2_000
    bulk_part: int = 50_000
    bulk_job: float = 3_600.0
    bulk_poll: float = 0.5


class Org:
    """A connection's org; signs in at the first request, and again once when the session has expired."""

    def __init__(self, connection: Connection, patience: Patience) -> None:
        """Prepare the connection without touching the network."""
        self.connection, self.patience = connection, patience
        self.usages: dict[str, Usage] = {}
        self.version = connection.get("api_version", API_VERSION)
        self._session = _session(connection, patience)
        self._salesforce: Salesforce | None = None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def sign_in(self) -> Salesforce:
        """Get a session from the org, instead of the one before it."""
        token: Token = self._patiently(lambda: sign_in(self.connection, self._session))
        self._salesforce = Salesforce(
            session_id=token.access_token, instance_url=token.instance_url, version=self.version, session=self._session
        )
        return self._salesforce

    def get(
        self,
        path: str,
        read: Callable[[requests.Response], T],
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """GET a path below ``/services/data/vNN.N/`` and return what ``read`` makes of the reply.

        ``read`` raises :class:`Broken` for a reply that is not whole; it is then asked for
        again, as are replies that broke off on the way and 5xx.
        """
        return self._patiently(lambda: read(self._send("GET", path, headers, {"params": params})))

    def send(self, method: str, path: str, json: Mapping[str, str]) -> requests.Response:
        """Send a request that changes something; not repeated, except after a new sign-in."""
        return self._send(method, path, None, {"json": json})

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None, arguments: Mapping[str, Any]
    ) -> requests.Response:
        require_allowance(self.usages, self.connection.label)
        fresh = self._salesforce is None
        try:
            return self._once(self._salesforce or self.sign_in(), method, path, headers, arguments)
        except Refused as error:
            if error.code != "INVALID_SESSION_ID" or fresh:
                raise
            return self._once(self.sign_in(), method, path, headers, arguments)

    def _once(
        self,
        salesforce: Salesforce,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        arguments: Mapping[str, Any],
    ) -> requests.Response:
        # Indented JSON is for people: it is a third larger than the same records without.
        heads = {**salesforce.headers, "X-PrettyPrint": "0", **(headers or {})}
        try:
            reply: requests.Response = call_salesforce(
                salesforce.base_url + path, method, salesforce.session, heads, **arguments
            )
        except SalesforceError as error:
            raise refusal(error) from None
        except requests.RequestException as error:
            raise Broken(f"{host_of(self.connection)} did not answer in full ({type(error).__name__})") from None
        self.usages |= parse_limit_info(reply.headers.get("Sforce-Limit-Info", ""))
        return reply

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Repeat an attempt that :class:`Broken` ended, a few times within seconds."""
        wait = self.patience.first_wait
        # The deadline is each request's own: stamina's 45 s would forbid to repeat a slow one.
        for trial in stamina.retry_context(
            on=Broken, attempts=self.patience.attempts, timeout=None, wait_initial=wait, wait_jitter=wait
        ):
            with trial:
                return attempt()
        raise AssertionError  # stamina returns or raises


class _Adapter(HTTPAdapter):
    """Gives every request a deadline, and trusts one more authority beside the system's."""

    def __init__(self, timeout: tuple[float, float], context: ssl.SSLContext) -> None:
        self._timeout, self._context = timeout, context
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: object) -> None:  # noqa: FBT001, FBT002 - requests' signature
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **more)

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401 - requests passes all by name
        return super().send(request, **{**how, "timeout": self._timeout})


def json_object(reply: requests.Response) -> dict[str, Any]:
    """Decode a small reply whose numbers are no money.

    Raises:
        Broken: it is cut off or malformed.
    """
    try:
        return dict(reply.json())
    except (ValueError, TypeError):
        msg = "a reply is cut off or malformed"
        raise Broken(msg) from None


def _session(connection: Connection, patience: Patience) -> requests.Session:
    context = ssl.create_default_context()
    if path := connection.get("ca_file"):
        try:
            context.load_verify_locations(path)
        except OSError:
            message = f"{connection.label}: CA_FILE: {path} holds no readable certificate."
            raise SettingsError(message, "Give the path of a PEM file.") from None
    session = requests.Session()
    session.mount("https://", _Adapter((patience.connect, patience.read), context))
    # A company's proxy has no business with a server on this machine.
    session.trust_env = urlsplit(f"https://{host_of(connection)}").hostname not in _LOOPBACK
    return session
