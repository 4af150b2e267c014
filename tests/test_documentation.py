"""What the documentation says is so: links lead somewhere, commands exist, tables equal the code."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli.exit_codes import ExitCode
from orchestration.cli.main import COMMANDS, app
from orchestration.settings import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
COMMAND_LINE = PROJECT / "docs" / "operator" / "command-line.md"
GROUPS = {"key", "control", "plan", "tenant", "quarantine", "warehouse", "simulation", "sql", "new", "compare"} | {
    *("consumer", "registration", "deliveries", "dead-letters", "feed"),
}


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    return [link for link in found if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert links(page) == []


def code_lines(page: Path) -> list[str]:
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines())
    return [line for line in lines if line]


def documented(start: str) -> list[str]:
    inline = re.findall(r"`(strata [^`]+)`", COMMAND_LINE.read_text(encoding="utf-8"))
    lines = [line for page in PAGES for line in code_lines(page)] + inline
    return sorted({line for line in lines if line.startswith(start)})


@pytest.mark.parametrize("line", documented("make "))
def test_every_make_target_in_the_documentation_exists(line: str) -> None:
    target = line.split()[1]
    assert subprocess.run(["make", "-n", target], cwd=PROJECT, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("line", documented("strata "))
def test_every_command_and_option_in_the_documentation_exists(line: str) -> None:
    words = [word.rstrip(",") for word in shlex.split(line)[1:]]
    command = [word for word in words[: 2 if words[0] in GROUPS else 1] if not word.startswith("-")]
    answer = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*command, "--help"])
    assert answer.exit_code == 0, answer.output
    assert [word for word in words if word.startswith("--") and word not in answer.output] == []


def test_the_table_of_commands_names_all_of_them() -> None:
    text = COMMAND_LINE.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`strata {name}" not in text] == []


def test_the_table_of_exit_codes_equals_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| ([A-Z]+) \|", COMMAND_LINE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {code.name: int(code) for code in ExitCode}
