"""Breaks a word that is wider than its column, a path mostly, behind a separator instead of anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_SEPARATORS = ("/", "._-:=,;&?")
"""Where a word is broken: behind one of the first if there is any, else behind one of the second."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table, whose words are broken where a reader finds their parts again."""

    text: Text

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the text as it fits the column."""
        yield self.text if options.no_wrap else folded(self.text, options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Ask for as much room as the text itself."""
        return Measurement.get(console, options, self.text)


def folded(text: Text, width: int) -> Text:
    """Return the text with line ends inside the words that are wider than ``width`` columns."""
    breaks = [place for word in re.finditer(r"\S+", text.plain) for place in _breaks(word[0], word.start(), width)]
    return Text("\n", end="").join(text.divide(breaks)) if breaks else text


def _breaks(word: str, start: int, width: int) -> Iterator[int]:
    """Yield where a word's second and later pieces begin; a piece without a separator is left to rich."""
    while len(word) > width:
        places = (max(word.rfind(mark, 0, width) for mark in marks) for marks in _SEPARATORS)
        cut = next((place + 1 for place in places if place >= 0), width)
        start, word = start + cut, word[cut:]
        yield start
