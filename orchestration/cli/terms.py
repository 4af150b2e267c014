"""How a plan's terms are told to people: features are on or off, and what is a tenant's own is marked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

OWN = " (its own)"


def in_words(terms: Mapping[str, Any], own: Collection[str] = ()) -> str:
    """Return ``name=value, …``; a dash where there is none."""
    return ", ".join(f"{name}={_word(value)}{OWN if name in own else ''}" for name, value in terms.items()) or "-"


def _word(value: object) -> str:
    # 1 == True: only what is a switch is on or off.
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
