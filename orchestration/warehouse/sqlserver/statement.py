"""A statement in T-SQL and its parameters: kept in pieces, for a ``?`` may also stand in a text or a name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARK_OR_QUOTED = re.compile(r"'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|(?P<mark>\?)")


@dataclass(frozen=True)
class Rendered:
    """A statement, cut where its parameters stand; ``order`` gives, for each of them, its number from 0."""

    pieces: tuple[str, ...]
    order: tuple[int, ...] = ()

    @property
    def sql(self) -> str:
        """The text, with a ``?`` for each parameter."""
        return "?".join(self.pieces)

    def __add__(self, other: Rendered) -> Rendered:
        """Write one behind the other; both count the same parameters."""
        *pieces, last = self.pieces
        first, *more = other.pieces
        return Rendered((*pieces, last + first, *more), self.order + other.order)

    def bound(self, values: Sequence[object]) -> tuple[str, list[object]]:
        """Return the text and its parameters; a NULL is written out: the driver would ask the server for its type."""
        found = [_plain(values[number]) for number in self.order]
        marks = ["NULL" if value is None else "?" for value in found]
        text = "".join(piece + mark for piece, mark in zip(self.pieces, [*marks, ""], strict=True))
        return text, [value for value in found if value is not None]


def written(tsql: str, first: int = 0) -> Rendered:
    """Cut a text of the server's own words at its parameters, which are numbered from ``first``."""
    pieces, start = [], 0
    for found in _MARK_OR_QUOTED.finditer(tsql):
        if found["mark"]:
            pieces.append(tsql[start : found.start()])
            start = found.end()
    return Rendered((*pieces, tsql[start:]), tuple(range(first, first + len(pieces))))


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | tuple | set) else value
