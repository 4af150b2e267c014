"""What the gate thinks of one column: its typed value, and what may be wrong with it, as SQL.

A fault is a condition that is true for a row whose value breaks the contract, with
the short word that quarantine shows. Conditions are never NULL: they are true or false.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orchestration import names
from orchestration.contracts.model import Column


class Reason(StrEnum):
    """Why a row was rejected."""

    NULL = "null"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATE = "not_a_date"
    NOT_A_TIMESTAMP = "not_a_timestamp"
    NOT_A_UUID = "not_a_uuid"
    NOT_JSON = "not_json"
    NOT_TEXT = "not_text"
    NOT_FINITE = "not_finite"
    OVERFLOW = "overflow"
    SCALE = "scale"
    PRECISION = "precision"
    IMPOSSIBLE_DATE = "impossible_date"
    TIME_IN_DATE = "time_in_date"
    NOT_ALLOWED = "not_allowed"
    TOO_LONG = "too_long"
    NUL_BYTE = "nul_byte"
    INVALID_UTF8 = "invalid_utf8"
    COLUMN_COUNT = "column_count"
    QUOTE = "quote"
    LINE_TOO_LONG = "line_too_long"


@dataclass(frozen=True)
class Fault:
    """One way in which a value can be wrong; ``readable`` says that its typed value can be trusted all the same."""

    condition: str
    reason: Reason
    readable: bool = False


@dataclass(frozen=True)
class Judgement:
    """A column's typed value, the raw one as text, and its possible faults in the order they are told."""

    column: Column
    value: str
    raw: str
    faults: tuple[Fault, ...]

    @property
    def trusted(self) -> str:
        """The value, or NULL where it cannot be trusted."""
        doubts = [fault.condition for fault in self.faults if not fault.readable]
        return f"CASE WHEN {any_of(doubts)} THEN NULL ELSE {self.value} END" if doubts else self.value


def any_of(conditions: Iterable[str]) -> str:
    """Join conditions by OR; ``false`` when there is none."""
    return " OR ".join(f"({condition})" for condition in conditions) or "false"


def rule_faults(column: Column, value: str) -> tuple[Fault, ...]:
    """Return the faults that a well-typed value may still have: missing, too long, not allowed."""
    faults = []
    if column.required:
        faults.append(Fault(f"{value} IS NULL", Reason.NULL))
    if column.type.length:
        # A string's bytes bound its characters and are counted much faster.
        length = column.type.length
        too_long = f"{value} IS NOT NULL AND strlen({value}) > {length} AND length({value}) > {length}"
        faults.append(Fault(too_long, Reason.TOO_LONG, readable=True))
    if column.allowed:
        allowed = ", ".join(names.literal(text) for text in column.allowed)
        text = value if column.type.duckdb == "VARCHAR" else f"CAST({value} AS VARCHAR)"
        faults.append(Fault(f"{value} IS NOT NULL AND {text} NOT IN ({allowed})", Reason.NOT_ALLOWED, readable=True))
    return tuple(faults)


def key_json_expression(key: Iterable[Column]) -> str:
    """Return SQL that writes typed key columns as one canonical JSON text, such as ``{"id":"7"}``.

    Every value is text, as DuckDB writes the contract's type, so that a decimal or a long integer stays exact.
    """
    return _json_object((column.name, names.quote(column.name)) for column in key)


def text_object(members: Iterable[tuple[str, str]]) -> str:
    """Return SQL for a JSON object, as text, of named SQL expressions that are cast to text."""
    return _json_object(members)


def _json_object(members: Iterable[tuple[str, str]]) -> str:
    pairs = ", ".join(f"{names.quote(name)} := CAST({expression} AS VARCHAR)" for name, expression in members)
    return f"CAST(to_json(struct_pack({pairs})) AS VARCHAR)"
