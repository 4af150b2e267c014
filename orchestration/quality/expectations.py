"""The hand-written rules of the gates: ``dbt_project/expectations/silver.yaml`` and ``gold.yaml``, beside the models.

A rule says one thing about a whole table or about how tables agree. What a row may
hold is its contract's affair, keys and relationships are dbt's: no rule twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.contracts.yaml_file import NotYaml, read_yaml
from orchestration.failures import ContractViolated
from orchestration.names import TENANT, Table, qualified

Gate = Literal["silver", "gold"]
Severity = Literal["blocks", "warns"]
_LEAST_ROWS = 20
"""Below this many rows in the last version a loss of half of them says nothing."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rule(_Strict):
    rule: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    severity: Severity = "blocks"
    owner: str = ""
    sql: str = Field("", description="Selects the rows that break the rule.")
    expectation: str = Field(
        "", description="An expectation of Great Expectations, such as ExpectColumnMaxToBeBetween."
    )
    arguments: dict[str, Any] = Field(default_factory=dict)
    keeps: float | None = Field(None, gt=0, le=1, description="Least share of each tenant's published rows.")

    @model_validator(mode="after")
    def _one_kind(self) -> _Rule:
        if sum((bool(self.sql), bool(self.expectation), self.keeps is not None)) != 1:
            msg = f"{self.rule}: write one of sql, expectation and keeps"
            raise ValueError(msg)
        return self


class _Table(_Strict):
    owner: str
    rules: tuple[_Rule, ...]


class _File(_Strict):
    tables: dict[str, _Table]


@dataclass(frozen=True)
class Expectation:
    """One rule on one table; ``sql`` selects the rows that break it, else ``kind`` names GX's expectation.

    ``needs_published`` marks a rule that compares with the last published version, through the view
    :func:`published_view`.
    """

    table: Table
    rule: str
    description: str
    severity: Severity
    owner: str
    sql: str = ""
    kind: str = ""
    arguments: tuple[tuple[str, Any], ...] = ()
    needs_published: bool = False


def rules_path(dbt_dir: Path, gate: Gate) -> Path:
    """Return where a gate's rules are written."""
    return dbt_dir / "expectations" / f"{gate}.yaml"


def read_expectations(path: Path) -> list[Expectation]:
    """Read a gate's rules; no file means none.

    Raises:
        ContractViolated: the file is wrong; names it and the place in it.
    """
    if not path.exists():
        return []
    try:
        file = _File.model_validate(read_yaml(path))
    except NotYaml as error:
        raise ContractViolated(str(error), _REMEDY) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ContractViolated(f"{path}: {place}: {first['msg']}.", _REMEDY) from None
    found = [_expectation(name, table, rule) for name, table in file.tables.items() for rule in table.rules]
    known: set[tuple[Table, str]] = set()
    for item in found:
        if (item.table, item.rule) in known:
            raise ContractViolated(f"{path}: {'.'.join(item.table)}: rule {item.rule} stands twice.", _REMEDY)
        known.add((item.table, item.rule))
    return found


_REMEDY = "See docs/data-engineer/quality.md for the form."


def published_view(table: Table) -> str:
    """Return the name of the view on a table's last published version."""
    return f"strata_published_{table[0]}__{table[1]}"


def _expectation(name: str, table: _Table, rule: _Rule) -> Expectation:
    schema, _, short = name.partition(".")
    place = (schema, short)
    return Expectation(
        table=place,
        rule=rule.rule,
        description=rule.description,
        severity=rule.severity,
        owner=rule.owner or table.owner,
        sql=rule.sql if rule.keeps is None else _shrunk(place, rule.keeps),
        kind=rule.expectation,
        arguments=tuple(rule.arguments.items()),
        needs_published=rule.keeps is not None,
    )


def _shrunk(table: Table, keeps: float) -> str:
    """Select the tenants that have lost more rows since the last published version than the rule allows."""
    count = f"SELECT {TENANT}, count(*) AS row_count FROM"
    return (
        f"SELECT old.{TENANT}, old.row_count AS published_rows, coalesce(new.row_count, 0) AS present_rows "
        f"FROM ({count} {published_view(table)} GROUP BY {TENANT}) AS old "
        f"LEFT JOIN ({count} {qualified(table)} GROUP BY {TENANT}) AS new ON new.{TENANT} = old.{TENANT} "
        f"WHERE old.row_count >= {_LEAST_ROWS} AND coalesce(new.row_count, 0) < old.row_count * {keeps}"
    )
