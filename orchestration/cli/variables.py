"""Which environment variables are the platform's, so that a misspelt one is told instead of ignored."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from dotenv import dotenv_values

from orchestration.cli.console import warn
from orchestration.contracts.extraction import Check
from orchestration.contracts.source import find_sources
from orchestration.failures import StrataError
from orchestration.settings import Settings, load_settings

_PREFIX = "STRATA_"
_NOTHING_NEAR = "Remove or rename it; `.env.example` lists the settings, `strata sources` those of connections."
_OF_TESTS = re.compile(
    rf"{_PREFIX}(TEST_\w+|BENCH_\w+|ISOLATION_\w+|NIGHTLY|REQUIRE_SERVERS|WRITE_VERIFIED|EXAMPLES|UPDATE_SNAPSHOT)"
)


def given() -> set[str]:
    """Return the names of the platform's variables, of the environment and of the project's ``.env`` file."""
    return {name for name in (*os.environ, *dotenv_values(".env")) if name.upper().startswith(_PREFIX)}


def unknown(settings: Settings, sources: Collection[str], names: Iterable[str]) -> Iterator[Check]:
    """Tell of each name that nothing reads, with the nearest that something does."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _of_dbt(settings)
    for name in sorted(names):
        if name.upper() not in known and not _OF_TESTS.fullmatch(name.upper()) and _source(name) not in sources:
            yield Check(name, ok=False, detail="is no setting, and is ignored", remedy=_remedy(name, known, sources))


def warn_of_misspelt() -> None:
    """Say on standard error which variables are nearly a setting; settings that are wrong are left to who needs them.

    What resembles none, and no connection either, may be a secret that a person named so; ``strata doctor`` tells of
    it, too.
    """
    try:
        settings = load_settings()
    except StrataError:
        return
    for check in unknown(settings, find_sources(settings.sources_dir), given()):
        if check.remedy != _NOTHING_NEAR:
            warn(f"{check.name} {check.detail}. {check.remedy}")


def _of_dbt(settings: Settings) -> set[str]:
    """Return the variables that the dbt project's targets read."""
    profiles = settings.dbt_dir / "profiles.yml"
    return set(re.findall(r"\bSTRATA_[A-Z_]+\b", profiles.read_text(encoding="utf-8"))) if profiles.exists() else set()


def _source(name: str) -> str:
    return name.removeprefix(_PREFIX).split("__")[0].lower()


def _remedy(name: str, known: AbstractSet[str], sources: Collection[str]) -> str:
    """Say what was meant: a setting, or, where there are two underscores, the connection of a source system."""
    head, mark, tail = name.upper().partition("__")
    candidates = sources if mark else (item.removeprefix(_PREFIX) for item in known)
    near = get_close_matches(head.removeprefix(_PREFIX), [item.upper() for item in candidates], n=1, cutoff=0.75)
    if near:
        return f"Did you mean {_PREFIX}{near[0]}{mark}{tail}?"
    if mark:
        return f"Two underscores name a connection; source systems are {', '.join(sorted(sources))}."
    return _NOTHING_NEAR
