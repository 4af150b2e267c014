"""Records of text as a SQL source: what the readers of CSV and JSON hand to the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.quality.rows.judgement import NEVER, any_of, rules
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text import ALWAYS, TextColumn, casted, certain, judge_text, layered


@dataclass(frozen=True)
class TextSource:
    """``sql`` goes after FROM and yields ``_row`` (from 1) and the columns that the items name."""

    sql: str
    items: tuple[TextColumn, ...]

    def first_go(self, file: str) -> str:
        """Return the query of casts, and of the texts of rows that are not certainly right.

        ``file`` is the SQL of the landing key. The texts are one list (the landing key, the row
        and the texts), NULL for a row that is right.
        """
        casts = ", ".join(item.cast for item in self.items)
        texts = ", ".join(_carried(self.items))
        right = " AND ".join(f"({condition})" for condition in self._right()) or ALWAYS
        doubt = f"[{file}, CAST(_row AS VARCHAR), {texts}]"
        return f"SELECT {casts}, CASE WHEN {right} THEN NULL ELSE {doubt} END FROM {casted(self.sql, self.items)}"

    def _right(self) -> list[str]:
        conditions = [condition for item in self.items if (condition := certain(item)) != ALWAYS]
        for item in self.items:
            broken = any_of(fault.condition for fault in rules(item.column, item.text, item.cast))
            if broken != NEVER:
                conditions.append(f"NOT ({broken})")
        return conditions


def second_go(items: Sequence[TextColumn], doubts: str) -> Scan:
    """Return the scan of a relation whose column ``_doubt`` holds the lists of :meth:`TextSource.first_go`."""
    texts = ", ".join(f"_doubt[{number}] AS {name}" for number, name in enumerate(_carried(items), start=3))
    source = f"(SELECT _doubt[1] AS _file, CAST(_doubt[2] AS BIGINT) AS _row, {texts} FROM {doubts})"
    return Scan(layered(source, items), tuple(judge_text(item) for item in items), "_file", "_row")


def _carried(items: Sequence[TextColumn]) -> list[str]:
    return [name for item in items for name in (item.text, item.json) if name]
