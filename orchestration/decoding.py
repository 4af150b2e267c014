"""What makes a struct safe to decode in several threads.

msgspec takes a struct apart when it is decoded for the first time, and the process dies where a second thread decodes
one meanwhile: seen of a worker whose turn and whose look for news read registrations at the same moment. Importing a
module is one thread's business, so that is when it is done here.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def decodable(struct: type[_Struct]) -> type[_Struct]:
    """Take a struct apart now; every struct that is read from JSON or converted to is decorated with this."""
    msgspec.json.Decoder(struct)
    return struct
