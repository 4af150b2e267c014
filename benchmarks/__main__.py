"""``make bench``: every benchmark in turn, then ``docs/performance.md`` from their figures alone.

``--quick`` leaves out the sizes that take long; ``--only NAME`` runs one. Peers are
installed into ``.venv-bench`` from ``requirements.lock`` of this folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PEERS = PROJECT / ".venv-bench"

ALL = (
    ("postgres_first_load", "--rows 100000 --rounds 3"),
    ("postgres_first_load", "--rows 1000000 --rounds 3"),
    ("postgres_first_load", "--rows 2000000 --rounds 3 --peers"),
    ("postgres_first_load", "--rows 10000000 --rounds 1"),
    ("postgres_first_load", "--rows 20000000 --rounds 1"),
    ("reload", ""),
    ("delta", ""),
    ("sqlserver_loading", ""),
    ("csv_rejects", ""),
    ("json_pages", ""),
    ("warm_load", ""),
    ("idle_hourly", ""),
    ("thousand_tenants", ""),
    ("row_differences", ""),
    ("gathering", ""),
    ("key_check", ""),
    ("whole_day", ""),
    ("scripts_close", ""),
    ("onboarding", ""),
    ("deliveries", ""),
    ("sftp", ""),
    ("scripts_check", ""),
)
LONG = ("10000000", "20000000")


def install_peers() -> Path:
    """Return the interpreter of the peers' environment, made when it is not there."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        lock = str(HERE / "requirements.lock")
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--requirement",
            lock,
        ]
        subprocess.run(install, check=True)
    return python


def main() -> int:
    """Run what was asked for; exit code 1 when a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out ten million rows and more")
    parser.add_argument("--only", action="append", default=[], help="name of a benchmark")
    parser.add_argument("--results", type=Path, default=HERE / "results.jsonl")
    chosen = parser.parse_args()
    os.environ.setdefault("STRATA_BENCH_PYTHON", str(install_peers()))
    if not chosen.only:
        chosen.results.unlink(missing_ok=True)
    failed = [name for name, options in _wanted(chosen) if not _run(name, options, chosen.results)]
    subprocess.run([sys.executable, str(HERE / "report.py"), str(chosen.results)], check=True)
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed else 0


def _wanted(chosen: argparse.Namespace) -> list[tuple[str, str]]:
    return [
        (name, options)
        for name, options in ALL
        if (not chosen.only or name in chosen.only) and not (chosen.quick and any(size in options for size in LONG))
    ]


def _run(name: str, options: str, results: Path) -> bool:
    command = [sys.executable, str(HERE / f"{name}.py"), *options.split(), "--out", str(results)]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
