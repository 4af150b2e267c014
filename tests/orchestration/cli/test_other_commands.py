"""The commands that look, check and generate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.exit_codes import ExitCode
from orchestration.cli.main import COMMANDS

Strata = Callable[..., Any]


def test_help_answers_at_once_and_names_every_command() -> None:
    began = time.process_time(), time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - began[1] < 2  # 0.15 s alone; other work on the machine may stretch it
    assert [name for name in COMMANDS if name not in answer.stdout] == []


def test_help_imports_no_engine() -> None:
    code = "import sys; from orchestration.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('duckdb', 'pyarrow', 'pydantic', 'dagster') if m in sys.modules], file=sys.stderr)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stderr.strip() == "[]"


@pytest.mark.parametrize("arguments", ["sources --json", "sources", "sql check --json", "load product --mode x --json"])
def test_a_reader_who_has_had_enough_is_no_error_to_tell(arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "orchestration.cli", *arguments.split()]
    answer = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (1, "")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_of_its_own(strata: Strata, command: str) -> None:
    answer = strata(command, "--help")
    assert answer.code == 0
    assert "Usage: strata" in answer.out


@pytest.mark.parametrize("command", [("--help",), ("load", "--help"), ("tenant", "add", "--help")])
def test_a_flag_is_shown_without_a_value_and_an_option_with_its_own(strata: Strata, command: tuple[str, ...]) -> None:
    told = strata(*command).out
    assert "bool" not in told
    assert "--help" in told
    assert ("<str>" in told or "list[str]" in told) == (command != ("--help",))


def test_sources_lists_entities_settings_and_connections(strata: Strata) -> None:
    sources = {source["name"]: source for source in strata("sources", "--json").document["sources"]}
    assert {"product", "salesforce"} <= set(sources)
    assert "invoice" in {entity["name"] for entity in sources["product"]["entities"]}
    answer = strata("sources")
    assert "STRATA_PRODUCT__<TENANT>__URL" in answer.out


def test_sources_never_shows_a_connection_s_settings(strata: Strata, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_PRODUCT__ACME__URL", "postgresql://reader:hush-hush@db.example.com/product")
    assert "hush-hush" not in strata("sources", "--json").out + strata("sources").out


def test_a_dry_run_shows_the_changes_and_makes_none(strata: Strata, home: Path) -> None:
    planned = strata("warehouse", "apply", "--dry-run", "--json").document
    assert planned["applied"] is False
    assert "create table bronze_product.invoice" in [change["what"] for change in planned["changes"]]
    done = strata("warehouse", "apply", "--json").document
    assert [change["what"] for change in done["changes"]] == [change["what"] for change in planned["changes"]]
    assert strata("warehouse", "apply", "--json").document["changes"] == []


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_contract_that_cannot_be_read_is_no_success(
    strata: Strata, narrow_roles: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    (tmp_path / "source_systems" / "product" / "contracts" / "invoice.yaml").write_text("a: [", encoding="utf-8")
    answer = strata("warehouse", "apply", *options)
    assert answer.code == ExitCode.DATA
    assert "invoice.yaml" in answer.err
    assert "create table bronze_product.app_user" in answer.out
    assert "bronze_product.invoice " not in answer.out


def test_status_before_the_first_load_says_how_to_start(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "empty"))
    answer = strata("status")
    assert answer.code == 0
    assert "strata run" in answer.out


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the tests' own variables away, which are no settings, as the doctor says."""
    for name in [name for name in os.environ if name.startswith("STRATA_TEST_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("plain_environment")
def test_the_doctor_finds_nothing_wrong_with_simulated_connections(strata: Strata) -> None:
    document = strata("doctor", "--source", "product", "--json").document
    faults = [check for check in document["checks"] if not check["ok"] and check["name"] != "packages"]
    assert faults == []
    assert any(check["name"].startswith("acme/product: ") for check in document["checks"])


def test_the_doctor_says_what_to_do_about_a_setting(strata: Strata, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_THREADS", "none")
    answer = strata("doctor", "--json")
    assert answer.code == 1
    (fault,) = [check for check in answer.document["checks"] if check["name"] == "settings"]
    assert "STRATA_THREADS" in fault["detail"]
    assert "STRATA_THREADS=4" in fault["remedy"]


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("STRATA_THREDS", "Did you mean STRATA_THREADS?"),
        ("STRATA_PRODCUT__ACME__URL", "Did you mean STRATA_PRODUCT__ACME__URL?"),
        ("STRATA_NOSUCH__ACME__URL", "source systems are accounting, product, salesforce"),
        ("STRATA_XYZ", "Remove or rename it"),
    ],
)
def test_the_doctor_tells_of_a_variable_that_nothing_reads(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(misspelt, "hush-hush")
    answer = strata("doctor", "--offline", "--json")
    (fault,) = [check for check in answer.document["checks"] if check["name"] == misspelt]
    assert not fault["ok"]
    assert meant in fault["remedy"]
    assert "is no setting, and is ignored. " in " ".join(strata("doctor", "--offline").out.split())
    assert "hush-hush" not in answer.out


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_command_warns_once_of_a_misspelt_variable(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if place == ".env":
        (tmp_path / ".env").write_text("STRATA_THREDS=hush-hush\n", encoding="utf-8")
    else:
        monkeypatch.setenv("STRATA_THREDS", "hush-hush")
    for meant in ("STRATA_TEST_X", "STRATA_BENCH_X", "STRATA_PRODUCT__ACME__SCHEMA", "STRATA_CRM_PASSWORD"):
        monkeypatch.setenv(meant, "x")
    answer = strata("status", "--json")
    assert answer.err.splitlines() == ["STRATA_THREDS is no setting, and is ignored. Did you mean STRATA_THREADS?"]
    assert "entities" in answer.document
    assert "STRATA_THREDS" not in strata("status", "--help").err
    assert "STRATA_THREDS" not in strata("doctor", "--offline", "--json").err


@pytest.mark.usefixtures("plain_environment")
def test_the_doctor_tells_a_source_that_does_not_answer_from_those_that_do(
    strata: Strata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATA_PRODUCT__ACME__URL", "postgresql://reader:hush-hush@127.0.0.1:9/nothing")
    answer = strata("doctor", "--source", "product", "--json")
    faults = {check["name"].split(":")[0] for check in answer.document["checks"] if not check["ok"]} - {"packages"}
    assert faults == {"acme/product"}
    assert "hush-hush" not in answer.out + answer.err


def test_the_doctor_minds_a_key_that_others_can_read(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("a key", encoding="utf-8")
    key.chmod(0o644)
    for name, value in {"DOMAIN": "x.example", "CLIENT_ID": "id", "PRIVATE_KEY_FILE": str(key)}.items():
        monkeypatch.setenv(f"STRATA_SALESFORCE__ACME__{name}", value)
    checks = strata("doctor", "--offline", "--json").document["checks"]
    (fault,) = [check for check in checks if not check["ok"] and "private_key_file" in check["name"]]
    assert fault["remedy"] == f"Run: chmod 600 {key}"


def test_scripts_are_checked_by_file_and_line(strata: Strata, tmp_path: Path) -> None:
    (tmp_path / "wrong.sql").write_text(
        "/* title: x\nowner: y\ndescription: z */\nDELETE FROM gold.x;\n", encoding="utf-8"
    )
    answer = strata("sql", "check", str(tmp_path))
    assert answer.code == 1
    assert "wrong.sql:4:" in answer.out


def test_generated_files_are_up_to_date(strata: Strata) -> None:
    assert strata("generate", "--check").code == 0


def test_a_replay_of_this_home_or_of_one_without_a_warehouse_is_refused(
    strata: Strata, home: Path, tmp_path: Path
) -> None:
    own = strata("warehouse", "replay", str(home))
    assert own.code == ExitCode.SETTINGS
    assert "STRATA_HOME" in own.err
    empty = strata("warehouse", "replay", str(tmp_path))
    assert empty.code == ExitCode.SETTINGS
    assert "no DuckDB warehouse" in empty.err
