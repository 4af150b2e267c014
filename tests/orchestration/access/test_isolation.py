"""Two tenants with equal ids, and whatever is done for one of them: it never meets the other.

Long sequences of calls are drawn from a seed. After each call everything that it said,
logged and wrote for its tenant is searched for the other's words. Then the calls of one
tenant are made again in an installation where the other never was: every answer has to
be the same, so that no count and no absence tells of the other either.

``STRATA_ISOLATION_CALLS`` says how many calls to make, ``STRATA_ISOLATION_SEED`` where to begin.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from canaries import WORDS, Files, foreign_words, steady
from world import Call, World

NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
CALLS = int(os.environ.get("STRATA_ISOLATION_CALLS", "10000" if NIGHTLY else "240"))
SEED = int(os.environ.get("STRATA_ISOLATION_SEED", "7"))
A_WORLD = 240
"""Calls made in one installation before the next begins."""

WEIGHTS = {
    "load": 9, "broken_load": 2, "publish": 5, "close": 2, "backfill": 1, "replay": 3, "alert": 3,
    "read": 16, "sql": 8, "tables": 4, "versions": 3, "loads": 4, "status": 3, "alerts": 3, "quarantine": 5,
    "narrowed_status": 2, "show": 1, "move_plan": 1, "trail": 2, "export": 1, "onboard": 3, "remove": 0.5,
    "suspend": 0.7, "resume": 6, "key_create": 4, "key_check": 3, "key_read": 4, "key_rotate": 2, "key_revoke": 1,
    "key_list": 2, "foreign_read": 4, "foreign_reject": 2, "foreign_key": 2,
}  # fmt: skip
SHARED = {"publish"}
"""What is done for all tenants at once; the platform's own counts are in its result."""
TOLD = set(WEIGHTS) - SHARED - {
    "load", "broken_load", "backfill", "replay", "export", "onboard", "remove", "close", "show", "trail",
    "narrowed_status",
}  # fmt: skip
"""Calls whose answers go to the tenant and have to be the same without the other."""


def sequence(seed: int, length: int) -> list[Call]:
    """Draw calls; both tenants come on board early and get rows."""
    rng = Random(seed)  # noqa: S311 - a test's choices
    tenants = sorted(WORDS)
    begin = [Call(name, tenant, rng.randrange(2**32)) for name in ("onboard", "load") for tenant in tenants]
    # Which tables are published is the platform's own fact, so all of them are from the start.
    begin += [Call("publish", tenants[0], 0), *(Call("close", tenant, 0) for tenant in tenants)]
    names = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=length - len(begin))
    return begin + [Call(name, rng.choice(tenants), rng.randrange(2**32)) for name in names]


def play(folder: Path, calls: list[Call], tenants: tuple[str, ...]) -> list[str]:
    """Make the calls, stop at the first that shows anything foreign, and return what each said."""
    world = World(folder, tenants)
    with world.door:
        return [*_play(world, calls)]


def _play(world: World, calls: list[Call]) -> Iterator[str]:
    files = {tenant: Files() for tenant in WORDS}
    for number, call in enumerate(calls):
        if call.tenant not in world.tenants and call.name not in SHARED:
            yield ""
            continue
        outcome = world.play(call)
        seen = [outcome.result, outcome.aside]
        seen += [text for _, text in files[call.tenant].fresh(world.own_folders(call.tenant))]
        for text in seen:
            if found := foreign_words(text, call.tenant):
                pytest.fail(_told(calls[: number + 1], f"shows the other tenant: {found[0]!r}"))
        yield steady(outcome.result)


def _told(calls: list[Call], fault: str) -> str:
    listed = "\n".join(f"  {call}" for call in calls)
    return f"{calls[-1]} {fault}\nThe calls that lead there:\n{listed}"


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(max(CALLS // A_WORLD, 1)))
def test_no_call_shows_another_tenant(tmp_path: Path, number: int) -> None:
    calls = sequence(SEED * 1000 + number, A_WORLD)
    both = play(tmp_path / "both", calls, tuple(sorted(WORDS)))
    assert Counter(call.name for call in calls).keys() - set(WEIGHTS) == set()
    one = sorted(WORDS)[number % 2]
    alone = play(tmp_path / "alone", calls, (one,))
    for place, call in enumerate(calls):
        if call.tenant == one and call.name in TOLD and both[place] != alone[place]:
            differs = f"answers otherwise than without the other:\n{both[place]}\n{alone[place]}"
            pytest.fail(_told(calls[: place + 1], differs))


def test_the_search_finds_a_word_wherever_it_stands(tmp_path: Path) -> None:
    """A search that finds nothing has to be one that would."""
    import duckdb

    folder = tmp_path / "landing"
    folder.mkdir()
    with duckdb.connect() as con:
        for form in ("(FORMAT parquet)", "(FORMAT json, COMPRESSION zstd)"):
            suffix = "parquet" if "parquet" in form else "ndjson.zst"
            con.execute(f"COPY (SELECT 'of BlueWhale' AS note) TO '{folder / ('part.' + suffix)}' {form}")
    (folder / "manifest.json").write_text('{"tenant": "bluewhale"}')
    files = Files()
    found = [path.name for path, text in files.fresh([folder]) if foreign_words(text, "amberfox")]
    assert found == ["manifest.json", "part.ndjson.zst", "part.parquet"]
    assert list(files.fresh([folder])) == []
