"""What a consumer asks for, as options of a command or a YAML file say it; nothing is checked against the world yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orchestration.decoding import decodable
from orchestration.delivery.registering.wish_faults import explained, missing
from orchestration.delivery.registration import Format, Payload
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError


@decodable
class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registration in words. ``secrets`` are references (``env:NAME``, ``file:/path``, ``vault:path#field``)."""

    consumer: str
    channel: str
    events: tuple[str, ...]
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    payload: Payload = "reference"
    format: Format = "json"
    title: str = ""
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    terms: Terms = Terms()


FIELDS = Wish.__struct_fields__
_REQUIRED = ("consumer", "channel", "events")


def read_wish(source: Mapping[str, Any], where: str) -> Wish:
    """Read a wish from names and values as YAML has them; ``where`` names their place in errors.

    Numbers, ``yes`` and ``no`` are text where text is wanted; a field without a value is one that is left out.

    Raises:
        SettingsError: a name is unknown, one is missing, or a value has the wrong form; names the field.
    """
    given = {str(name): value for name, value in source.items() if value is not None}
    for name in _REQUIRED:
        if name not in given and set(given) <= set(FIELDS):
            raise missing(name, where)
    fields = {name: _in_words(name, value, where) for name, value in given.items()}
    try:
        return msgspec.convert(fields, Wish, strict=False)
    except msgspec.ValidationError as error:
        raise explained(error, fields, where, FIELDS) from None


def read_document(path: Path) -> dict[str, Any]:
    """Read a wish's fields from a YAML file.

    Raises:
        SettingsError: the file cannot be read, or holds no fields; names file and line.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}).", "Name a YAML file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line} is no YAML.", "See docs/consumer/register.md for an example.") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path} holds no fields.", "See docs/consumer/register.md for an example.")
    return document


def pairs(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """Read ``name=value`` texts of an option.

    Raises:
        SettingsError: a text has no name or no ``=``; its value, perhaps a secret, is not quoted.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(f"{option}: one of its values is not name=value.", f"Form: {option} name=value.")
        found[name] = value
    return found


def _in_words(field: str, value: Any, where: str) -> Any:  # noqa: ANN401 - what YAML holds
    """Return a field with text for YAML's scalars; terms, which are numbers, stay as they are."""
    if field in {"settings", "secrets"} and isinstance(value, Mapping):
        return {_text(name): _setting(field, _text(name), item, where) for name, item in value.items()}
    if field == "terms" and isinstance(value, Mapping):
        retries = value.get("retries")
        listed = {"retries": str(retries).split(",")} if isinstance(retries, (str, int, float)) else {}
        return {str(name): item for name, item in value.items() if item is not None} | listed
    return [_text(item) for item in value] if isinstance(value, (list, tuple)) else _text(value)


def _setting(field: str, name: str, value: object, where: str) -> str:
    text = _text(value)
    if not isinstance(text, str):
        raise SettingsError(
            f"{where}: {field}.{name} is no single value.", f"Write {name}: value, or {name}: '…' in quotes."
        )
    return text


def _text(value: Any) -> Any:  # noqa: ANN401 - what YAML holds
    """Return a scalar as a person would write it; anything else as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, (int, float)) else "" if value is None else value
