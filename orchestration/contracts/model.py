"""A contract as the engine uses it: frozen, checked, and free of YAML.

``reader.py`` builds these from Open Data Contract Standard files. A contract
describes one entity of one source system; each of its columns has the name it
gets in bronze and the name the source calls it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import pyarrow as pa

from orchestration import names
from orchestration.contracts.types import ColumnType


class Deletes(StrEnum):
    """How deletions are noticed between daily loads; a full load always catches what is gone."""

    FEED = "feed"
    """The source tells: soft-delete flags in its rows and a feed of deleted keys."""
    SWEEP = "sweep"
    """Keys alone are compared: counted first, read when the count differs."""
    DAILY = "daily"
    """Only the daily load can tell."""


class Additions(StrEnum):
    """What happens to a column that the source has and the contract has not."""

    LOAD = "load"
    HOLD = "hold"


class PiiForm(StrEnum):
    """What silver and everything after it show of a personal column; bronze holds it as sent."""

    HASH = "hash"
    """A digest with the tenant's salt: equal values match within a tenant, and nobody reads them."""
    MASK = "mask"
    """What helps to recognise a value that one knows already: ``j***@example.com``, a number's last digits."""
    CLEAR = "clear"
    """As it is, for a reason that the contract gives."""


@dataclass(frozen=True)
class Column:
    """One column; ``allowed`` is empty when any value goes; ``added`` marks one the contract did not name.

    ``pii_form`` counts where ``pii`` is set.
    """

    name: str
    source_name: str
    type: ColumnType
    required: bool = False
    allowed: tuple[str, ...] = ()
    pii: bool = False
    pii_form: PiiForm = PiiForm.HASH
    calculated: bool = False
    description: str = ""
    added: bool = False


@dataclass(frozen=True)
class Contract:
    """One entity's contract.

    ``reject_threshold`` and ``shrink_threshold`` are fractions of rows (0 to 1);
    ``freshness``, ``overlap`` and ``sweep_every`` are lengths of time.
    ``physical_name`` is what the source calls the entity (``public.invoice``, ``Account``). By the months of
    ``partition_by`` a server keeps the table in parts.
    """

    source: str
    entity: str
    version: str
    description: str
    owner: str
    physical_name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    cursor: str | None
    deletes: Deletes
    soft_delete_column: str | None
    sweep_every: timedelta
    overlap: timedelta
    reject_threshold: float
    shrink_threshold: float
    freshness: timedelta
    additions: Additions
    tenant_column: str | None
    partition_by: str | None = None

    @property
    def table(self) -> names.Table:
        """The bronze table."""
        return names.bronze_table(self.source, self.entity)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow, in the contract's order."""
        return pa.schema([pa.field(c.name, c.type.arrow, nullable=not c.required) for c in self.columns])

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The key's columns, in key order."""
        return tuple(self.column(name) for name in self.key)

    def column(self, name: str) -> Column:
        """Return a column by its bronze name; ``KeyError`` when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def with_added(self, columns: tuple[Column, ...]) -> Contract:
        """Return the contract with further nullable columns that the source grew."""
        return replace(self, columns=self.columns + columns) if columns else self
