"""Says many things in few words: the first of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def few(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """Join texts, of more than ``most`` the first ones and how many are left: ``a, b, c and 9 more``."""
    left = len(texts) - most
    if left <= 0:
        return separator.join(texts)
    last = " and " if separator == ", " else f"{separator}and "
    return f"{separator.join(texts[:most])}{last}{left:,} more"
