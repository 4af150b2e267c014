"""How a load tells how far it is, to a terminal or to a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """So far: ``rows`` and ``bytes`` read of an entity; ``expected_rows`` is what the last full load had, if any.

    ``phase`` is ``extract``, ``load`` or ``done``; ``label`` is ``acme/product/invoice``.
    """

    label: str
    rows: int
    bytes: int
    expected_rows: int | None
    phase: str


OnProgress = Callable[[Progress], None]
