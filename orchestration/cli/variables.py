"""Which environment variables are the platform's, so that a misspelt one is told instead of ignored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from dotenv import dotenv_values

from orchestration.contracts.extraction import Check
from orchestration.runtime import Runtime
from orchestration.settings import Settings

_PREFIX = "STRATA_"
_OF_TESTS = frozenset(
    f"{_PREFIX}{name}"
    for name in (
        "NIGHTLY",
        "REQUIRE_SERVERS",
        "TEST_AZURITE",
        "TEST_SQLSERVER",
        "TEST_SQLSERVER_KIND",
        "WRITE_VERIFIED",
        "EXAMPLES",
        "UPDATE_SNAPSHOT",
        "BENCH_PYTHON",
    )
)


def given() -> set[str]:
    """Return the names of the platform's variables, of the environment and of the project's ``.env`` file."""
    return {name for name in (*os.environ, *dotenv_values(".env")) if name.upper().startswith(_PREFIX)}


def unknown(runtime: Runtime, names: Iterable[str]) -> Iterator[Check]:
    """Tell of each name that nothing reads, with the nearest that something does."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _of_dbt(runtime.settings) | _OF_TESTS
    for name in sorted(names):
        if name.upper() not in known and _source(name) not in runtime.sources:
            yield Check(name, ok=False, detail="is no setting, and is ignored", remedy=_remedy(name, known, runtime))


def _of_dbt(settings: Settings) -> set[str]:
    """Return the variables that the dbt project's targets read."""
    profiles = settings.dbt_dir / "profiles.yml"
    return set(re.findall(r"\bSTRATA_[A-Z_]+\b", profiles.read_text(encoding="utf-8"))) if profiles.exists() else set()


def _source(name: str) -> str:
    return name.removeprefix(_PREFIX).split("__")[0].lower()


def _remedy(name: str, known: AbstractSet[str], runtime: Runtime) -> str:
    """Say what was meant: a setting, or, where there are two underscores, the connection of a source system."""
    head, mark, tail = name.upper().partition("__")
    candidates = runtime.sources if mark else (item.removeprefix(_PREFIX) for item in known - _OF_TESTS)
    near = get_close_matches(head.removeprefix(_PREFIX), [item.upper() for item in candidates], n=1)
    if near:
        return f"Did you mean {_PREFIX}{near[0]}{mark}{tail}?"
    return "Remove it; `.env.example` lists the settings, `strata sources` those of connections."
