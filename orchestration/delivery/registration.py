"""A registration as the worker and the commands see it; how it is kept is the business of ``registry``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from orchestration.delivery.terms import Terms
from orchestration.names import Table

Payload = Literal["reference", "changes", "snapshot"]
"""Where to find what changed; the rows that changed since the last delivery; all rows."""
Format = Literal["json", "ndjson", "csv", "parquet"]
Place = tuple[str, str]
"""Tenant and registration: what names a registration everywhere."""


@dataclass(frozen=True)
class Registration:
    """A consumer's wish for events of one tenant.

    ``tables`` are the published tables meant (empty for events that are about no table), ``columns`` those of
    its columns that are sent (empty: all), ``where`` comparisons as ``orchestration.access.comparison`` reads
    them, ``settings`` the channel's by name as kept: ``{"value": …}``, ``{"reference": …}`` or ``{"sealed": …}``.
    """

    tenant: str
    registration_id: str
    consumer: str
    title: str
    events: tuple[str, ...]
    tables: tuple[Table, ...]
    columns: tuple[str, ...]
    where: tuple[str, ...]
    payload: Payload
    format: Format
    channel: str
    settings: dict[str, dict[str, Any]] = field(repr=False)
    endpoint: str
    terms: Terms
    state: str = "active"
    reason: str = ""

    @property
    def place(self) -> Place:
        """What names it."""
        return self.tenant, self.registration_id

    @property
    def label(self) -> str:
        """The name that people see, ``acme/bi-usage``."""
        return f"{self.tenant}/{self.registration_id}"
