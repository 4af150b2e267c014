"""The headers of a webhook: those of the standards, and what a registration adds."""

from __future__ import annotations

import re

import msgspec

from orchestration.delivery.channels.attributes import ENVELOPE, as_headers
from orchestration.delivery.channels.channel import Message
from orchestration.failures import SettingsError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]{0,1000}")
_OURS = re.compile(
    r"webhook-.*|ce-.*|content-.*|host|connection|transfer-encoding|upgrade|te|trailer|expect|authorization"
    r"|proxy-.*|idempotency-key|traceparent|accept-encoding",
    re.IGNORECASE,
)


def custom_headers(text: str) -> dict[str, str]:
    """Read a registration's own headers, a JSON object of texts.

    Raises:
        SettingsError: a name or value is none that a header may have, or the header is the platform's.
    """
    if not text:
        return {}
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        example = """Example: headers={"X-Team": "bi"}"""
        raise SettingsError(f"headers: not a JSON object of texts ({error}).", example) from None
    for name, value in found.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise SettingsError(
                f"headers: {name[:100]!r} has a name or a value that no header may have.",
                "Use printable ASCII characters, without line breaks.",
            )
        if _OURS.fullmatch(name):
            raise SettingsError(
                f"headers: {name!r} is set by the platform.", "For credentials there is the secret `authorization`."
            )
    return found


def require_credentials(value: str) -> str:
    """Return the value of ``Authorization``.

    Raises:
        SettingsError: it holds what no header may have; it is not repeated.
    """
    if not _VALUE.fullmatch(value):
        raise SettingsError("authorization: no header may have this value.", "It is one line of ASCII characters.")
    return value


def message_headers(message: Message, timestamp: int, signature: str) -> dict[str, str]:
    """Return the headers of one attempt.

    A body that is no CloudEvents envelope (CSV, Parquet …) gets the event's attributes as ``ce-`` headers, which is
    the standard's binary mode.
    """
    headers = {
        "webhook-id": message.delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
        "idempotency-key": message.delivery_id,
        "content-type": message.content_type,
    }
    if message.traceparent:
        headers["traceparent"] = message.traceparent
    if not message.content_type.startswith(ENVELOPE):
        headers |= as_headers(message)
    return headers
