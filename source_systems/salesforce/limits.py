"""How much of the org's API allowance is used, as every reply's ``Sforce-Limit-Info`` says.

The header has three forms: ``api-usage=18/5000``, the same with ``; api-bursts=1/750``,
and with ``; per-app-api-usage=17/250(appName=x)``. A pattern anchored on the first
fails on the others, so every ``name=used/total`` pair is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.failures import RateLimited

_PAIR = re.compile(r"([a-z-]+)=(\d+)/(\d+)")
_DAILY = ("api-usage", "per-app-api-usage")


@dataclass(frozen=True)
class Usage:
    """Requests used and allowed in the moving 24 hours."""

    used: int
    total: int


def parse_limit_info(header: str) -> dict[str, Usage]:
    """Read the header into usages by name; an absent or foreign header gives none."""
    return {name: Usage(int(used), int(total)) for name, used, total in _PAIR.findall(header)}


def require_allowance(usages: dict[str, Usage], label: str) -> None:
    """Stop before a request that would be refused, and leave other applications their share.

    Raises:
        RateLimited: the org's or this application's daily allowance is used up.
    """
    for name in _DAILY:
        usage = usages.get(name)
        if usage and usage.used >= usage.total:
            raise RateLimited(
                f"{label}: {name} stands at {usage.used} of {usage.total} requests.",
                "Wait until the 24-hour window moves, or raise the org's API limit.",
            )
