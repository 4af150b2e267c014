"""What became of one table between two revisions of its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orchestration.names import Table


@dataclass(frozen=True)
class ChangedRow:
    """One row that both sides have: its key, and what A and B have in each column that differs."""

    key: Mapping[str, object]
    values: Mapping[str, tuple[object, object]]


@dataclass(frozen=True)
class TableDifference:
    """What became of one table; a side without it has no ``rows_a`` or ``rows_b``.

    ``only_a``, ``only_b`` and ``changed`` count rows, ``columns_changed`` rows by column; the samples are some of
    them. ``totals`` are A's and B's by numeric column.
    """

    table: Table
    rows_a: int | None = None
    rows_b: int | None = None
    columns_added: Mapping[str, str] = field(default_factory=dict)
    columns_removed: Mapping[str, str] = field(default_factory=dict)
    columns_retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    key: Sequence[str] = ()
    only_a: int = 0
    only_b: int = 0
    changed: int = 0
    columns_changed: Mapping[str, int] = field(default_factory=dict)
    sample_a: Sequence[Mapping[str, object]] = ()
    sample_b: Sequence[Mapping[str, object]] = ()
    sample_changed: Sequence[ChangedRow] = ()
    totals: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """Whether a reader of the table could see a difference, the rows' order apart."""
        columns = self.columns_added or self.columns_removed or self.columns_retyped
        rows = self.only_a or self.only_b or self.changed
        return bool(columns or rows) or self.rows_a is None or self.rows_b is None


def difference(total_a: Any, total_b: Any) -> Any:  # noqa: ANN401 - totals are whole, decimal or floating
    """Return B's total less A's; a total of no value counts as nothing."""
    a, b = (Decimal(0) if total is None else total for total in (total_a, total_b))
    return float(b) - float(a) if isinstance(a, float) or isinstance(b, float) else b - a
