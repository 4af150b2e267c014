"""The warnings that there are, by the names under which a line may allow them: ``-- strata: allow float``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script

RULES = {
    "case": "UPPER or LOWER where text is compared, which is without case already",
    "clock": "GETDATE and its like, where @as_of is meant",
    "cross-join": "a table behind a comma that no condition joins",
    "decimal-division": "a division of decimals whose scale nobody chose by CAST",
    "float": "float and real, which hold most amounts only nearly",
    "integer-average": "AVG of integers, which is cut",
    "integer-division": "a division of integers, which is cut",
    "money-division": "a division of money, which is cut at four places",
    "not-in-null": "NOT IN over what may hold a NULL, which leaves no row then",
    "null-comparison": "= NULL and its like, which are never true",
    "print": "PRINT, which nobody sees",
    "row-order": "a result that depends on an order which nothing decides",
    "select-star": "SELECT *, which changes with its source",
    "tautology": "a column that is compared with itself",
    "text-order": "which of two texts comes first, which the collation decides",
    "ties": "rows that are picked by an order which may not tell them apart",
    "trailing-blanks": "a blank at the end of a text that is compared, which = passes over",
    "unknown-rule": "an allowance of a warning that there is not",
    "weekday": "numbers and names of weekdays and weeks, which a server's settings decide",
}
_ALLOWED = re.compile(r"--[^\r\n]*?\bstrata:\s*allow\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)", re.IGNORECASE)


def allowed(script: Script, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Leave out the warnings that their own line allows, and warn of allowances of what there is not."""
    granted: dict[int, set[str]] = {}
    unknown: list[Problem] = []
    for match in _ALLOWED.finditer(script.text):
        line, column = script.place(match.start())
        names = {name.strip().lower() for name in match[1].split(",")}
        granted.setdefault(line, set()).update(names)
        unknown += _unknown(script, (line, column), names - set(RULES))
    kept = (item for item in problems if item.severity == "error" or item.rule not in granted.get(item.line, ()))
    return tuple(sorted({*kept, *unknown}))


def _unknown(script: Script, place: tuple[int, int], names: Iterable[str]) -> Iterator[Problem]:
    why, instead = "there is no such rule.", f"Write one of {', '.join(RULES)}."
    for name in sorted(names):
        yield Problem(script.path, *place, f"allow {name}", why, instead, "warning", "unknown-rule")
