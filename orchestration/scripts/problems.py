"""What is wrong with a script, where, why it matters, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from orchestration.failures import ScriptRefused


@dataclass(frozen=True, order=True)
class Problem:
    """One finding; ``line`` and ``column`` count from 1. A warning does not stop the script.

    ``rule`` names a warning's kind, by which an analyst may allow it: ``-- strata: allow select-star``.
    """

    file: Path
    line: int
    column: int
    what: str
    why: str
    instead: str
    severity: Literal["error", "warning"] = "error"
    rule: str = ""

    def __str__(self) -> str:
        """Write it the way compilers do, so that editors can jump to the place."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}: {self.why} {self.instead}".rstrip()

    @property
    def document(self) -> dict[str, str | int]:
        """Return it for JSON."""
        return {name: str(value) if name == "file" else value for name, value in asdict(self).items()}


def refusal(problems: Sequence[Problem]) -> ScriptRefused:
    """Turn findings, of which at least one is an error, into what stops a script; the first is told in full."""
    errors = [problem for problem in problems if problem.severity == "error"] or problems
    first = errors[0]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    message = f"{first.file}:{first.line}:{first.column}: {first.what}: {first.why}"
    return ScriptRefused(message, f"{first.instead}{more}")
