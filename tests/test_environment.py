"""The lock, the generated files and the tree itself say what they should."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestration.cli.generated import env_example, generated_files
from orchestration.contracts.source import find_sources
from orchestration.settings import PROJECT, Settings, load_settings

LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
PINS = {
    canonicalize_name(match[1]): match[2]
    for match in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", LOCK, re.MULTILINE)
}


def wanted() -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda requirement: requirement.name)
def test_the_lock_fits_what_the_project_asks_for(requirement: Requirement) -> None:
    version = PINS.get(canonicalize_name(requirement.name))
    assert version, f"{requirement.name} is not in requirements.lock: run `make lock`"
    assert requirement.specifier.contains(version, prereleases=True)


def test_the_lock_has_a_hash_for_every_package_and_no_address() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in LOCK


def test_generated_files_are_up_to_date() -> None:
    settings = load_settings()
    files = generated_files(settings, find_sources(settings.sources_dir))
    assert [str(file.path) for file in files if file.stale] == []


def test_the_example_of_settings_names_every_setting() -> None:
    text = env_example(find_sources(PROJECT / "source_systems"))
    assert [name for name in Settings.model_fields if f"# STRATA_{name.upper()}=" not in text] == []


def test_every_setting_says_what_it_is_and_gives_an_example_that_holds() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name
        if name != "home":
            load_settings(**{name: field.examples[0]})


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return [PROJECT / name for name in listed.split("\0") if name]


SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"  # a key, not the words that announce one
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abprs]-[0-9A-Za-z-]{20,}"
    r"|AccountKey=(?!Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq)[A-Za-z0-9+/]{60,}"
)
"""Private keys and tokens of the clouds we know; the storage key excepted is the one every Azurite has."""


def test_no_tracked_file_holds_a_secret() -> None:
    texts = ((path, path.read_bytes().decode("utf-8", "replace")) for path in tracked() if path.is_file())
    assert [str(path) for path, text in texts if SECRETS.search(text)] == []
