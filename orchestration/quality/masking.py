"""Decides what a sample of failed rows may show: numbers, times, and text of columns that are known to be harmless.

A column is known when a contract or a dbt model describes it, and harmless when
none of them marks that name as personal data. Text of any other column is masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.alerts.redaction import redact
from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.names import PLATFORM_COLUMNS

MASK = "***"
_SAMPLE_ROWS = 5
_LONGEST_TEXT = 80


@dataclass(frozen=True)
class Masking:
    """The names of the columns whose text may be shown."""

    harmless: frozenset[str]

    def sample(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return the first rows as JSON, masked; empty when there are none."""
        shown = [{name: self._shown(name, value) for name, value in row.items()} for row in rows[:_SAMPLE_ROWS]]
        return json.dumps(shown, ensure_ascii=False) if shown else ""

    def _shown(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str | bytes):
            return redact(str(value))[:_LONGEST_TEXT] if name.lower() in self.harmless else MASK
        return str(value) if type(value).__name__ in _PLAIN else MASK


_PLAIN = frozenset({"Decimal", "float", "date", "datetime", "Timestamp", "timedelta"})


def read_masking(contracts: Iterable[Contract], dbt_dir: Path) -> Masking:
    """Collect the columns that contracts and dbt models describe, without those that any of them marks as personal."""
    described: set[str] = set(PLATFORM_COLUMNS)
    personal: set[str] = set()
    marks = [(column.name, column.pii) for contract in contracts for column in contract.columns]
    for name, pii in (*marks, *_model_columns(dbt_dir)):
        (personal if pii else described).add(name.lower())
    return Masking(frozenset(described - personal))


def known_contracts(sources: Iterable[Any]) -> Iterator[Contract]:
    """Yield the contracts of all sources that can be read; a broken one is told where it is loaded."""
    for source in sources:
        try:
            yield from source.contracts.values()
        except ContractViolated:
            continue


def _model_columns(dbt_dir: Path) -> Iterator[tuple[str, bool]]:
    for path in sorted((dbt_dir / "models").rglob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for model in document.get("models") or ():
            for column in model.get("columns") or ():
                meta = (column.get("meta") or {}) | ((column.get("config") or {}).get("meta") or {})
                yield str(column["name"]), bool(meta.get("pii"))
