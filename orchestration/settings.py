"""Every setting of the platform, typed, in one object; connections of tenants are in ``tenants.py``.

Values come from the environment (prefix ``STRATA_``) and from a ``.env`` file in
the project's folder. Nothing is read at import: call :func:`load_settings`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.failures import SettingsError

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds ``workspace.yaml``."""
_READ_FROM = ("tenants_file", "sources_dir", "scripts_dir", "dbt_dir", "dbt_macros")
"""Settings of paths that are only read, and so have to lead somewhere."""
# Patterns of file names, which would read the files of a sibling; beginnings of a URL's query or fragment; ends of a
# statement or a name; what DuckDB turns into a slash.
_NOT_IN_HOME = frozenset('*?[]#;"\\\n\r\t')
_SCHEMES = {
    "alert_webhook_url": ("http", "https"),
    "alert_smtp_url": ("smtp", "smtps"),
    "otlp_url": ("http", "https"),
}
"""Settings that are addresses on a network, and how each may begin."""
# Tenants' names hold no `__`: after it nothing of another name that begins alike can follow, as after `_` it could.
_AREA = re.compile(r"(file:/\S+/|vault:\S+[/#]|env:\S+__)")


class Settings(BaseSettings):
    """The platform's settings; each field is ``STRATA_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="STRATA_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    home: Path = Field(Path(".strata"), description="Where all run-time state lives.", examples=["/var/lib/strata"])
    tenants_file: Path = Field(
        PROJECT / "tenants.yaml", description="Tenants and their connections.", examples=["/etc/strata/tenants.yaml"]
    )
    sources_dir: Path = Field(
        PROJECT / "source_systems", description="Where source systems live.", examples=["/srv/strata/source_systems"]
    )
    scripts_dir: Path = Field(
        PROJECT / "sql_scripts", description="Where analysts' scripts live.", examples=["/srv/strata/sql_scripts"]
    )
    dbt_dir: Path = Field(PROJECT / "dbt_project", description="The dbt project.", examples=["/srv/strata/dbt_project"])
    warehouse: Literal["duckdb", "sqlserver"] = Field(
        "duckdb", description="The warehouse engine.", examples=["sqlserver"]
    )
    sqlserver_host: str = Field("", description="SQL Server's name.", examples=["strata.database.windows.net"])
    sqlserver_port: int = Field(1433, ge=1, le=65535, description="Its port.", examples=["1433"])
    sqlserver_database: str = Field("", description="The database that is the warehouse.", examples=["strata"])
    sqlserver_user: str = Field("", description="Login, or client id of a service principal.", examples=["strata"])
    sqlserver_password: SecretStr | None = Field(
        None, description="Password of the login, or the service principal's secret.", examples=["the-secret"]
    )
    sqlserver_authentication: Literal[
        "Sql", "ActiveDirectoryPassword", "ActiveDirectoryServicePrincipal", "ActiveDirectoryMSI",
        "ActiveDirectoryDefault",
    ] = Field(
        "Sql", description="How to log in: by SQL Server, or by Microsoft Entra.", examples=["ActiveDirectoryMSI"]
    )  # fmt: skip
    sqlserver_encrypt: Literal["yes", "strict", "no"] = Field(
        "yes", description="Encryption of the connection.", examples=["strict"]
    )
    sqlserver_trust_certificate: bool = Field(
        default=False, description="Accept any certificate: for development alone.", examples=["true"]
    )
    sqlserver_connection: SecretStr | None = Field(
        None,
        description="ODBC connection string in place of the settings above.",
        examples=["SERVER=sql.example.com;DATABASE=strata;UID=strata;PWD=password;Encrypt=yes"],
    )
    sqlserver_login_timeout: int = Field(20, ge=1, description="Seconds to wait for a login.", examples=["60"])
    sqlserver_query_timeout: int = Field(
        3600, ge=1, description="Seconds that a statement may take.", examples=["14400"]
    )
    dbt_macros: Path | None = Field(
        None,
        description="Folder of dbt macros that take the place of dbt-sqlserver's, for servers that need others.",
        examples=["/srv/strata/server_macros"],
    )
    control_url: SecretStr | None = Field(
        None,
        description="Control-plane database; empty: an SQLite file under home.",
        examples=["postgresql+psycopg://strata:password@db.example.com/strata"],
    )
    scripts_server: SecretStr | None = Field(
        None,
        description="ODBC connection string of a T-SQL server's empty database, for strata sql run --target sqlserver.",
        examples=[
            "DRIVER={ODBC Driver 18 for SQL Server};SERVER=sql.example.com;DATABASE=trial;UID=trial;PWD=password"
        ],
    )
    key_pepper: SecretStr | None = Field(
        None,
        description="Secret of API keys' digests, or file:, env:, vault: and where it is; empty: one under home.",
        examples=["file:/run/secrets/key_pepper"],
    )
    key: SecretStr | None = Field(
        None,
        description="API key that commands honour which read or are about deliveries; empty: as operator.",
        examples=["strata_0123456789abcdef.the-secret-that-was-shown-once"],
    )
    landing_url: str = Field(
        "", description="Landing store; empty: a folder under home.", examples=["az://account/container/prefix"]
    )
    landing_retention_days: int = Field(
        400, ge=1, description="Days that landed files are kept for backfill.", examples=["90"]
    )
    ledger_retention_days: int = Field(
        90, ge=1, description="Days that the ledger keeps loads that changed nothing.", examples=["30"]
    )
    close_retention_days: int = Field(
        400, ge=1, description="Days that closes are kept; the one that readers see always.", examples=["3650"]
    )
    timezone: str = Field("UTC", description="Time zone of schedules and of 'today'.", examples=["Europe/Berlin"])
    memory_limit_mb: int = Field(256, ge=128, description="DuckDB's memory limit in MB.", examples=["1024"])
    threads: int = Field(2, ge=1, description="DuckDB's threads.", examples=["4"])
    load_threads: int = Field(
        1,
        ge=1,
        le=64,
        description="Entities of one connection that are loaded at once; DuckDB is written by one at a time.",
        examples=["4"],
    )
    disk_warning_gb: float = Field(
        2.0, ge=0, description="Free disk below home, in GB, under which an alert is raised.", examples=["20"]
    )
    lock_wait_seconds: float = Field(
        300.0, gt=0, description="How long a writer waits for the warehouse or for the same load.", examples=["60"]
    )
    published_versions: int = Field(10, ge=2, description="Versions kept of each published table.", examples=["30"])
    delivery_allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Networks that deliveries may go to although they are not public; over http these alone.",
        examples=["10.20.0.0/16,127.0.0.0/8"],
    )
    delivery_secret_areas: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Where secrets and files are that tenants' keys may name in registrations: beginnings of "
        "references that end with / or #, of variables with __.",
        examples=["file:/run/secrets/{tenant}/,vault:secret/data/tenants/{tenant}/,env:TENANT_{tenant}__"],
    )
    alert_webhook_url: SecretStr | None = Field(
        None, description="Alerts are POSTed here as JSON.", examples=["https://hooks.example.com/T000/B000"]
    )
    alert_smtp_url: SecretStr | None = Field(
        None, description="Alerts are mailed through here.", examples=["smtp://user:password@mail.example.com:587"]
    )
    alert_mail_to: str = Field("", description="Who gets the alert mails.", examples=["data@example.com"])
    otlp_url: str = Field(
        "",
        description="OpenTelemetry collector for traces and metrics; empty: none.",
        examples=["http://127.0.0.1:4318"],
    )
    world_size: int = Field(120, ge=10, description="Customers of the simulated company.", examples=["100000"])
    world_seed: int = Field(7, description="Seed of the simulated company.", examples=["42"])

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            msg = f"{value!r} is no IANA time zone"
            raise ValueError(msg) from error
        return value

    @field_validator("delivery_allowed_networks", "delivery_secret_areas", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("delivery_secret_areas")
    @classmethod
    def _bounded(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for area in value:
            climbs = ".." in re.split(r"[:/#]", area)
            if climbs or not _AREA.fullmatch(area) or set("{}") & set(area.replace("{tenant}", "")):
                msg = f"{area!r} is no area: file:/…/, vault:…/ or env:…__, with {{tenant}} for the tenant's name"
                raise ValueError(msg)
        return value

    @field_validator(*_SCHEMES)
    @classmethod
    def _addressed(cls, value: SecretStr | str | None, info: ValidationInfo) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        schemes = _SCHEMES[str(info.field_name)]
        if text and not _is_address(text, schemes):
            msg = f"not an address that begins with {' or '.join(f'{name}://' for name in schemes)} and names a host"
            raise ValueError(msg)
        return value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        path = value.expanduser().resolve()
        found = sorted(set(str(path)) & _NOT_IN_HOME)
        if found:
            signs = " and ".join(map(repr, found))
            msg = f"{path} has {signs} in it, which DuckDB or dbt takes for more than a part of a name"
            raise ValueError(msg)
        return path

    def make_home(self) -> None:
        """Make the home, which its user alone may enter: its files hold all tenants together.

        One that is there keeps its mode: an operator may have opened it to a group.

        Raises:
            SettingsError: it cannot be made.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.home} cannot be made: {error.strerror}."
            raise SettingsError(message, "Set STRATA_HOME to a folder that this user may write to.") from None

    @property
    def warehouse_file(self) -> Path:
        """The embedded warehouse."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def control_file(self) -> Path:
        """The embedded control plane."""
        return self.home / "control" / "control.db"

    @property
    def published_dir(self) -> Path:
        """Published versions: what other processes read."""
        return self.home / "published"

    @property
    def scratch_dir(self) -> Path:
        """Spill files and unfinished parts; may be emptied when nothing runs."""
        return self.home / "scratch"

    @property
    def locks_dir(self) -> Path:
        """Lock files of writers and loads."""
        return self.home / "locks"


def load_settings(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` win over the environment.

    Raises:
        SettingsError: a value is wrong; names the variable, the fault and an example.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(*_explain(error)) from None
    for name in _READ_FROM:
        if name in settings.model_fields_set - set(overrides):
            _require_there(name, getattr(settings, name))
    return settings


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not close
        return False


def _require_there(name: str, path: Path) -> None:
    """Refuse a path that a person named and that leads nowhere; a default, or one given by a caller, may."""
    kind, is_there = ("file", path.is_file()) if name == "tenants_file" else ("folder", path.is_dir())
    if not is_there:
        variable = f"STRATA_{name.upper()}"
        default = Settings.model_fields[name].default
        remedy = f"Mend the path, or remove {variable}" + (f": then it is {default}." if default else ".")
        raise SettingsError(f"{variable}: there is no {kind} {path.absolute()}.", remedy)


def _explain(error: ValidationError) -> tuple[str, str]:
    """Turn pydantic's first finding into a sentence and a remedy, without the value where it is secret."""
    finding = error.errors(include_url=False, include_input=False)[0]
    name = str(finding["loc"][0]) if finding["loc"] else "?"
    field = Settings.model_fields.get(name)
    example = (field.examples or [""])[0] if field else ""
    variable = f"STRATA_{name.upper()}"
    return f"{variable}: {finding['msg'].removeprefix('Value error, ')}.", f"Example: {variable}={example}"
