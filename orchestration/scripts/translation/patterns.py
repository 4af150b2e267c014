"""LIKE's patterns as DuckDB's: ILIKE where it suffices, a regular expression where there are classes."""

from __future__ import annotations

import re
from typing import NamedTuple

from orchestration.scripts.binding.plan import Refused

_PLAIN = re.compile(r"[ -~]*")


class Pattern(NamedTuple):
    """A regular expression for the whole text; ``ascii_only`` where a range sorts accented letters between others."""

    regex: str
    ascii_only: bool


def has_class(pattern: str) -> bool:
    """Say whether a pattern has a character class."""
    return "[" in pattern


def like_pattern(pattern: str, escape: str = "") -> Pattern:
    """Return the regular expression of a LIKE pattern; case is ignored by the caller's flags.

    Raises:
        Refused: the pattern has characters or ranges that the engines match differently.
    """
    if not _PLAIN.fullmatch(pattern):
        raise _refused(pattern, "SQL Server compares some of its characters in its own way.")
    parts: list[str] = []
    ascii_only = False
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if escape and char == escape and index + 1 < len(pattern):
            index += 1
            parts.append(re.escape(pattern[index]))
        elif char == "[":
            end = pattern.find("]", index + 2)
            if end < 0:
                raise _refused(pattern, "a class is not closed.")
            regex, ranged = _class(pattern, pattern[index + 1 : end])
            parts.append(regex)
            ascii_only |= ranged
            index = end
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
        index += 1
    return Pattern("".join(parts), ascii_only)


def position_pattern(pattern: str) -> Pattern:
    """Return the regular expression that PATINDEX looks for: anchored where the pattern has no % at an end."""
    opened, closed = pattern.startswith("%"), pattern.endswith("%") and len(pattern) > 1
    inner = like_pattern(pattern[opened : len(pattern) - closed])
    return Pattern(f"{'' if opened else '^'}(?:{inner.regex}){'' if closed else '$'}", inner.ascii_only)


def _class(pattern: str, inner: str) -> tuple[str, bool]:
    negated = inner.startswith("^")
    members = inner[negated:]
    ranges = re.findall(r"(.)-(.)", members)
    for low, high in ranges:
        if not (low.isdigit() and high.isdigit()) and not (low.isalpha() and high.isalpha()):
            raise _refused(pattern, f"where the range {low}-{high} ends depends on the collation.")
    plain = re.sub(r"(.)-(.)", "", members)
    body = "".join(f"{low}-{high}" for low, high in ranges) + "".join(re.escape(char) for char in plain)
    # A range holds whatever sorts between its ends, and no class says what an accented letter is.
    return f"[{'^' if negated else ''}{body}]", bool(ranges)


def _refused(pattern: str, why: str) -> Refused:
    return Refused(
        f"the pattern '{pattern}'", why, "Use %, _ and classes of plain letters and digits such as [0-9] or [abc]."
    )
