r"""Halves of UTF-16 pairs, written as JSON escapes: texts cut in the middle of an emoji have them (``"\ud83d"``).

No text can hold one, so strict readers refuse all of a page for it. Hidden, it is a byte that is no UTF-8:
the page can be read, and the value is one that has to be refused, alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_NEVER_IN_UTF_8 = bytes([*range(0xF5, 0x100), 0xC0, 0xC1])


class Hidden(NamedTuple):
    """JSON in which one byte stands for the backslash of each lone surrogate."""

    content: bytes
    byte: bytes

    def shown(self, part: bytes) -> bytes:
        """Return a part of the content as it was."""
        return part.replace(self.byte, b"\\")


def hide_lone_surrogates(content: bytes) -> Hidden | None:
    """Return JSON without the escapes of lone surrogates; ``None`` where there are none."""
    free = next((bytes([byte]) for byte in _NEVER_IN_UTF_8 if byte not in content), None)
    if free is None:
        return None
    hidden = _ESCAPE.sub(lambda escape: free + escape[1] if escape[1] else escape[0], content)
    return Hidden(hidden, free) if hidden != content else None
