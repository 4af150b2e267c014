"""The webhook sink: one JSON POST for each alert."""

from __future__ import annotations

import json
from http import HTTPStatus
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from orchestration.alerts.message import Message, SinkFailed

_TIMEOUT_SECONDS = 10.0
_NAME = "STRATA_ALERT_WEBHOOK_URL"


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would repeat the POST as a GET and pass for success."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


def post(url: str, message: Message) -> None:
    """Send one alert.

    Raises:
        SinkFailed: it was not answered with 2xx within ten seconds. The address stays out of the text: it is a secret.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "strata", "Idempotency-Key": message.delivery_key}
    request = Request(url, json.dumps(message.as_json()).encode(), headers, method="POST")  # noqa: S310 - the settings take no other scheme
    try:
        with build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_SECONDS) as response:
            status = response.status
    except HTTPError as error:
        status = error.code
        error.close()
    except (URLError, OSError, ValueError) as error:
        raise SinkFailed(
            f"{_NAME}: {type(error).__name__} while sending.", "Check the address and the network."
        ) from None
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise SinkFailed(f"{_NAME}: answered with {status}.", "Check the address and its rights.")
