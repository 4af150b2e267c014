"""A scan: landed files of one form as a SQL source, with the judgement of every contract column on it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration import names
from orchestration.quality.rows.judgement import NEVER, Judgement, any_of


@dataclass(frozen=True)
class Scan:
    """``source`` goes after FROM; ``file`` (a landing key) and ``row_number`` (from 1) are SQL on it.

    ``preset`` is the condition under which a reader found a fault already: the source then tells it in its
    columns ``_fault``, ``_column`` (NULL: the whole line) and ``_raw``.
    """

    source: str
    judgements: tuple[Judgement, ...]
    file: str
    row_number: str
    preset: str = NEVER

    @property
    def fault(self) -> str:
        """The condition that makes a row a reject."""
        return any_of((self.preset, *(judgement.fault for judgement in self.judgements)))

    @property
    def faults(self) -> list[str]:
        """The conditions of :attr:`fault`, one by one, without those that are never true."""
        return [fault for fault in (self.preset, *(j.fault for j in self.judgements)) if fault != NEVER]

    @property
    def values(self) -> str:
        """The SQL of the typed columns, under their bronze names, for rows without a fault."""
        return ", ".join(f"{j.conversion.value} AS {names.quote(j.column.name)}" for j in self.judgements)

    def trusted(self, column: str, *, sure: bool = False) -> str:
        """Return the SQL of a column's typed value, NULL where it cannot be read; ``sure``: where it always can."""
        conversion = next(j.conversion for j in self.judgements if j.column.name == column)
        return conversion.value if sure else conversion.trusted
