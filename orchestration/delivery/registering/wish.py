"""What a consumer asks for, as options of a command or a YAML file say it; nothing is checked against the world yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orchestration.delivery.registration import Format, Payload
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError


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


def read_wish(source: Mapping[str, Any], where: str) -> Wish:
    """Read a wish from names and values; ``where`` names their place in errors.

    Raises:
        SettingsError: a name is unknown, one is missing, or a value has the wrong form.
    """
    try:
        return msgspec.convert(source, Wish, strict=False)
    except msgspec.ValidationError as error:
        remedy = "See docs/consumer/register.md for every field and an example."
        raise SettingsError(f"{where}: {error}.", remedy) from None


def read_wish_file(path: Path) -> Wish:
    """Read a wish from a YAML file.

    Raises:
        SettingsError: the file cannot be read, or is no wish; names file and field.
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
    return read_wish(document, str(path))


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
