"""Settings: typed, from the environment, and clear when they are wrong."""

from pathlib import Path

import pytest

from orchestration.failures import SettingsError
from orchestration.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _away_from_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_wrong_value_is_told_with_its_variable_and_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_TIMEZONE", "Mars/Olympus")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "STRATA_TIMEZONE" in caught.value.message
    assert "'Mars/Olympus' is no IANA time zone" in caught.value.message
    assert caught.value.remedy == "Example: STRATA_TIMEZONE=Europe/Berlin"


def test_a_wrong_secret_is_not_repeated_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_THREADS", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show_in_a_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_ALERT_WEBHOOK_URL", "https://hooks.example.com/very-secret")
    assert "very-secret" not in repr(load_settings())


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("STRATA_THREADS=3\nSTRATA_MEMORY_LIMIT_MB=512\n")
    monkeypatch.setenv("STRATA_THREADS", "5")
    settings = load_settings()
    assert (settings.threads, settings.memory_limit_mb) == (5, 512)


def test_all_state_lives_below_home(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "state")
    for place in (settings.warehouse_file, settings.published_dir, settings.scratch_dir, settings.locks_dir):
        assert place.is_relative_to(tmp_path / "state")


@pytest.mark.parametrize("sign", ["*", "?", "[1]", "#", ";", '"', "\\", "\t"])
def test_a_home_that_duckdb_or_dbt_would_read_otherwise_is_refused(tmp_path: Path, sign: str) -> None:
    with pytest.raises(SettingsError, match=r"STRATA_HOME: .* in it, which DuckDB or dbt takes for more"):
        load_settings(home=tmp_path / f"a{sign}b")


def test_a_home_may_have_blanks_quotes_and_letters_of_all_kinds(tmp_path: Path) -> None:
    home = tmp_path / "it's 100 % König=x {a} $HOME & co"
    assert load_settings(home=home).home == home


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples or isinstance(field.default, int | float), name


@pytest.mark.parametrize(
    ("variable", "kind"), [("TENANTS_FILE", "file"), ("SOURCES_DIR", "folder"), ("SCRIPTS_DIR", "folder")]
)
def test_a_path_that_is_named_and_leads_nowhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    monkeypatch.setenv(f"STRATA_{variable}", str(tmp_path / "nope"))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message == f"STRATA_{variable}: there is no {kind} {tmp_path / 'nope'}."
    assert f"or remove STRATA_{variable}: then it is /" in caught.value.remedy


def test_an_installation_without_a_file_of_tenants_has_nothing_wrong(tmp_path: Path) -> None:
    assert load_settings(tenants_file=tmp_path / "none.yaml").tenants_file == tmp_path / "none.yaml"


@pytest.mark.parametrize(
    ("variable", "value", "form"),
    [
        ("ALERT_WEBHOOK_URL", "notaurl-hush", "http:// or https://"),
        ("ALERT_WEBHOOK_URL", "file:///etc/hush", "http:// or https://"),
        ("ALERT_WEBHOOK_URL", "ftp://example.com/hush", "http:// or https://"),
        ("ALERT_WEBHOOK_URL", "https:///hush", "http:// or https://"),
        ("ALERT_WEBHOOK_URL", "https://host:hush/x", "http:// or https://"),
        ("ALERT_SMTP_URL", "mail.example.com:hush", "smtp:// or smtps://"),
        ("OTLP_URL", "127.0.0.1:4318", "http:// or https://"),
    ],
)
def test_an_address_that_is_none_is_refused_with_an_example_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, form: str
) -> None:
    monkeypatch.setenv(f"STRATA_{variable}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message.startswith(f"STRATA_{variable}: not an address that begins with {form}")
    assert caught.value.remedy.startswith(f"Example: STRATA_{variable}=")
    assert "hush" not in str(caught.value)


def test_an_empty_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_ALERT_WEBHOOK_URL", "")
    assert not load_settings().alert_webhook_url
