"""Names of deliveries: ``msg_`` and 26 characters that sort in the order in which they were drawn.

Ten characters of time and sixteen of chance, as a ULID has them; within one draw the number
goes up by one, so that deliveries made in the same millisecond keep their order. No dot: signatures need it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH, _RANDOM_BITS = 26, 80


def delivery_ids(now: int) -> Iterator[str]:
    """Yield names for deliveries made at ``now`` (milliseconds), each greater than the one before."""
    # A bit is left free, so that counting up does not run into the time.
    number = (now << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
    while True:
        yield f"msg_{_text(number)}"
        number += 1


def _text(number: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
