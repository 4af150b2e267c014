"""Makes ``.venv`` exactly what ``requirements.lock`` says, and does nothing when it already is.

Runs on any Python from 3.6 with its standard library alone, so that an old one can
say what is missing instead of failing on its first import. uv, which installs the
rest, comes from PyPI into a small environment of its own, checked by hash like
everything else.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
UV_VENV = VENV / "uv"
STAMP = VENV / "strata-environment.sha256"
LOCK = PROJECT / "requirements.lock"
UV_LOCK = PROJECT / "infra" / "uv.lock"
OLDEST, TOO_NEW = (3, 11), (3, 14)
CANDIDATES = ("python3.13", "python3.12", "python3.11")


def main() -> None:
    """Bring the environment up to date; exit code 1 and a sentence when that cannot be done."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        start_again_with_a_fitting_python()
    wanted = fingerprint()
    if healthy(VENV) and STAMP.exists() and STAMP.read_text() == wanted:
        return
    try:
        build()
    except subprocess.CalledProcessError as error:
        command = " ".join(str(part) for part in error.cmd[:4])
        stop(f"'{command} ...' failed with exit code {error.returncode}.", "Its own words are above.")
    STAMP.write_text(wanted)
    say("ready")


def start_again_with_a_fitting_python() -> None:
    """Replace this process by the same script under a Python of the right age, if the machine has one."""
    for name in CANDIDATES:
        path = shutil.which(name)
        if path and starts(path):
            os.execv(path, [path, __file__])
    found = ".".join(str(part) for part in sys.version_info[:2])
    stop(
        f"Strata needs Python 3.11, 3.12 or 3.13; {sys.executable} is Python {found}.",
        "Install one of them, or name it: make run PYTHON=/path/to/python3.12",
    )


def build() -> None:
    """Create both environments and install what the locks name."""
    if not healthy(VENV):
        say(f"creating .venv with Python {sys.version.split()[0]}")
        make_venv(VENV, "--without-pip")
    if not healthy(UV_VENV):
        make_venv(UV_VENV)
    say("installing uv")
    pip = [UV_VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", UV_LOCK])
    say("installing the packages of requirements.lock (a minute or two the first time)")
    uv, python = UV_VENV / "bin" / "uv", VENV / "bin" / "python"
    # Compiled now: a process that may not write bytecode would compile pandas and Dagster anew each time, for seconds.
    run([uv, "pip", "sync", "--quiet", "--python", python, "--compile-bytecode", "--require-hashes", LOCK])
    editable = ["--no-deps", "--no-build-isolation", "--offline", "--editable", PROJECT]
    run([uv, "pip", "install", "--quiet", "--python", python, *editable])


def make_venv(folder: Path, *options: str) -> None:
    """Create a virtual environment, or say that this Python lacks the means."""
    shutil.rmtree(str(folder), ignore_errors=True)
    if subprocess.call([sys.executable, "-m", "venv", *options, str(folder)], stdout=subprocess.DEVNULL) != 0:
        shutil.rmtree(str(folder), ignore_errors=True)
        stop(
            f"{sys.executable} cannot create virtual environments.",
            "On Debian and Ubuntu: apt install python3-venv. Or name another: make run PYTHON=/path/to/python3.12",
        )


def healthy(venv: Path) -> bool:
    """Say whether an environment's interpreter still starts: it dies with the Python it was made from."""
    python = venv / "bin" / "python"
    return python.exists() and starts(str(python))


def starts(python: str) -> bool:
    """Say whether an interpreter runs at all; version managers put commands on the path that do not."""
    return subprocess.call([python, "-c", ""], stderr=subprocess.DEVNULL) == 0


def fingerprint() -> str:
    """Return what the environment depends on, as one hash: the locks, the project's metadata and its folder."""
    digest = hashlib.sha256(str(PROJECT).encode())
    for path in (LOCK, UV_LOCK, PROJECT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command: list) -> None:
    """Run one command without the caller's Python settings, which would leak into the environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run([str(part) for part in command], check=True, env=environment, cwd=str(PROJECT))


def say(text: str) -> None:
    """Tell what takes time."""
    print(f"environment: {text}", flush=True)


def stop(message: str, remedy: str) -> None:
    """End with a sentence and what to do about it."""
    sys.exit(f"environment: {message}\n             {remedy}")


if __name__ == "__main__":
    main()
