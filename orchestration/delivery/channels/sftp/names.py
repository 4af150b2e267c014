"""What a file is called on the server: a template whose every value is kept from leaving the folder.

OpenSSH takes ``../`` in a name, so the server protects nobody: what is not allowed here is
refused at registration, and in values it becomes ``_``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from string import Formatter

from orchestration.delivery.channels.channel import Message
from orchestration.failures import SettingsError

DEFAULT = "{table}-{sequence}-{delivery_id}.{extension}"
_VALUES: Mapping[str, Callable[[Message], str]] = {
    "tenant": lambda message: message.tenant,
    "registration": lambda message: message.registration_id,
    "event": lambda message: message.event_type,
    "subject": lambda message: message.subject,
    "table": lambda message: message.subject.rpartition(".")[2],
    "sequence": lambda message: str(message.sequence),
    "time": lambda message: f"{message.occurred_at:%Y%m%dT%H%M%SZ}",
    "delivery_id": lambda message: message.delivery_id,
    "extension": lambda message: message.extension,
}
PLACEHOLDERS = tuple(_VALUES)
LONGEST = 200
"""Of the 255 bytes that file systems take; the rest is for ``.sha256`` and the like."""
_ALLOWED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_DOTS = re.compile(r"\.{2,}")


def check_name(template: str) -> None:
    """Refuse a template that has unknown placeholders, or that can name a file elsewhere.

    Raises:
        SettingsError: says what is wrong with it.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise _wrong(f"cannot be read: {error}") from None
    for _, field, layout, conversion in parts:
        if field is not None and (field not in PLACEHOLDERS or layout or conversion):
            raise _wrong(f"has {{{field}}}, which is no placeholder")
    sample = template.format_map(dict.fromkeys(PLACEHOLDERS, "x"))
    if not _ALLOWED.fullmatch(sample) or ".." in sample or len(sample) > LONGEST:
        raise _wrong("may have letters, digits, '.', '_' and '-', begins with neither '.' nor '-', and has no '..'")


def check_folder(folder: str) -> None:
    """Refuse a folder that goes upwards or holds control characters.

    Raises:
        SettingsError: says what is wrong with it.
    """
    if ".." in folder.split("/") or any(ord(letter) < 32 for letter in folder) or folder.startswith("-"):
        raise SettingsError("The setting folder goes upwards or is no path.", "Write it as /in/reports or reports.")


def render(template: str, message: Message) -> str:
    """Return a file's name."""
    values = {field: _OTHER.sub("_", _VALUES[field](message)) for field in _fields(template)}
    return _DOTS.sub(".", template.format_map(values)).lstrip(".-")[:LONGEST] or message.delivery_id


@lru_cache(maxsize=256)
def _fields(template: str) -> tuple[str, ...]:
    return tuple({field for _, field, _, _ in Formatter().parse(template) if field})


def _wrong(fault: str) -> SettingsError:
    fields = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    return SettingsError(f"The setting name {fault}.", f"Placeholders: {fields}. Example: {DEFAULT}")
