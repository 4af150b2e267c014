"""Says once what is true of many: a source that does not answer fails every entity in the same words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from orchestration.cli.drift_told import SHOWN
from orchestration.shortened import few

Said = TypeVar("Said", bound=Hashable)


def told_once(findings: Iterable[tuple[str, Said]]) -> Iterator[tuple[str, Said]]:
    """Yield each thing that is said with whom it is said of, in the order given: ``a, b, c and 9 more``."""
    of: dict[Said, list[str]] = {}
    for label, said in findings:
        of.setdefault(said, []).append(label)
    for said, labels in of.items():
        yield few(labels, SHOWN), said
