"""``strata sql check`` on 500 scripts of 50 to 200 lines, cold and from its cache; asked are 5 seconds on 2 cores.

The scripts are copies of those of financial gold, each copy under names of its own for its tables, so that no text is
another's and each is compiled against what it reads, in chains as long as theirs. What is shorter than 50 lines gets
lines of comment. A cold run begins without a cache; every run is the command itself, from the start of its process.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from measurement import Run, figure, report, run_process
from prepared import FOLDER

from orchestration.names import Table
from orchestration.scripts.lineage import lineages
from orchestration.settings import load_settings

LIMIT_SECONDS = 5
SCRIPTS = 500
LINES = (50, 200)
_TABLE = re.compile(r"\bfinance\.(\w+)")


def main() -> None:
    """Write the scripts, then check them again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    home = chosen.folder / "scripts"
    shutil.rmtree(home, ignore_errors=True)
    folder = home / "financial"
    lines = [path.read_text(encoding="utf-8").count("\n") for path in write_scripts(folder)]
    strata = Path(sys.executable).with_name("strata")
    command = [str(strata), "sql", "check", "--quiet", str(folder)]
    runs: dict[str, list[Run]] = {"cold": [], "from its cache": []}
    for number in range(chosen.rounds):
        environment = {"STRATA_HOME": str(home / f"home{number}")}
        for found in runs.values():
            found.append(run_process(command, environment))
    note = (
        f"{len(lines)} scripts of {min(lines)} to {max(lines)} lines; asked: {LIMIT_SECONDS} s of wall time on 2 cores"
    )
    figures = [figure("strata sql check", name, sum(lines), found) for name, found in runs.items()]
    report([replace(item, note=note) for item in figures], chosen.out)


def write_scripts(folder: Path) -> Iterator[Path]:
    """Write copies of the scripts of financial gold, those after whose tables they read, until there are enough."""
    folder.mkdir(parents=True)
    texts = _originals()
    for number, (name, text) in zip(range(SCRIPTS), cycle(texts.items()), strict=False):
        copy = number // len(texts)
        path = folder / f"{name}_{copy}.sql"
        lines = f"-- copy {copy}\n" * max(1, LINES[0] - text.count("\n"))
        path.write_text(_TABLE.sub(rf"finance.\1_{copy}", text) + lines, encoding="utf-8")
        yield path


def _originals() -> dict[str, str]:
    """Return the scripts that are not too long, and read no table of one that is."""
    found: dict[str, str] = {}
    left_out: set[Table] = set()
    for item in lineages(load_settings().scripts_dir / "financial"):
        text = item.script.text
        if text.count("\n") < LINES[1] and not left_out & set(item.reads):
            found[item.script.name] = text
        else:
            left_out.update(item.writes)
    return found


if __name__ == "__main__":
    main()
