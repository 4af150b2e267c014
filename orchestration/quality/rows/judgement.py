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

NEVER = "false"


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
    NOT_AN_OBJECT = "not_an_object"


@dataclass(frozen=True)
class Fault:
    """One way in which a value can be wrong: a condition and its name."""

    condition: str
    reason: Reason


@dataclass(frozen=True)
class Conversion:
    """How a column's arriving value becomes the contract's type.

    ``failed`` is asked of every row and cheap. ``faults`` are asked only of rows that
    failed: the first that applies tells why.
    """

    value: str
    failed: str = NEVER
    faults: tuple[Fault, ...] = ()

    @classmethod
    def unless(cls, value: str, *faults: Fault) -> Conversion:
        """Return a conversion that fails where one of some cheap faults applies."""
        return cls(value, any_of(fault.condition for fault in faults), faults)

    @property
    def trusted(self) -> str:
        """The value, or NULL where it cannot be trusted."""
        return self.value if self.failed == NEVER else f"CASE WHEN {self.failed} THEN NULL ELSE {self.value} END"

    @property
    def why(self) -> str:
        """The SQL of the reason, for a row that failed."""
        return _first(self.faults)


@dataclass(frozen=True)
class Judgement:
    """A column's conversion, its raw value as text, and the rules its converted value has to keep."""

    column: Column
    raw: str
    conversion: Conversion
    rules: tuple[Fault, ...]

    @property
    def fault(self) -> str:
        """The condition under which this column makes its row a reject."""
        return any_of((self.conversion.failed, *(rule.condition for rule in self.rules)))

    @property
    def why(self) -> str:
        """The SQL of the reason, for a row that this column makes a reject."""
        if self.conversion.failed == NEVER:
            return _first(self.rules)
        return f"CASE WHEN {self.conversion.failed} THEN {self.conversion.why} ELSE {_first(self.rules)} END"


def any_of(conditions: Iterable[str]) -> str:
    """Join conditions by OR; ``false`` when there is none."""
    return " OR ".join(f"({condition})" for condition in conditions if condition != NEVER) or NEVER


def judge(column: Column, conversion: Conversion, *, arriving: str, raw: str, longest: int | None = None) -> Judgement:
    """Judge a column: first whether its value converts, then whether it is there, not too long and allowed.

    ``arriving`` is the SQL of the value before its conversion, ``raw`` the text to show for it; no text has more
    bytes than ``longest``.
    """
    return Judgement(column, raw, conversion, tuple(rules(column, arriving, conversion.value, longest)))


def rules(column: Column, arriving: str, value: str, longest: int | None = None) -> Iterable[Fault]:
    """Yield the faults that a converted value may still have."""
    if column.required:
        yield Fault(f"{arriving} IS NULL", Reason.NULL)
    length = column.type.length
    if length and (longest is None or longest > length):
        # A string's bytes bound its characters and are counted much faster.
        too_long = f"CASE WHEN strlen({value}) > {length} THEN length({value}) > {length} ELSE false END"
        yield Fault(too_long, Reason.TOO_LONG)
    if column.allowed:
        allowed = ", ".join(names.literal(text) for text in column.allowed)
        text = value if column.type.duckdb == "VARCHAR" else f"CAST({value} AS VARCHAR)"
        yield Fault(f"{value} IS NOT NULL AND {text} NOT IN ({allowed})", Reason.NOT_ALLOWED)


def _first(faults: Iterable[Fault]) -> str:
    whens = " ".join(f"WHEN {fault.condition} THEN {names.literal(fault.reason)}" for fault in faults)
    return f"CASE {whens} END" if whens else "NULL"


def key_json_expression(key: Iterable[Column]) -> str:
    """Return SQL that writes typed key columns as one canonical JSON text, such as ``{"id":"7"}``.

    Every value is text, as DuckDB writes the contract's type, so that a decimal or a long integer stays exact.
    """
    return text_object((column.name, names.quote(column.name)) for column in key)


def text_object(members: Iterable[tuple[str, str]]) -> str:
    """Return SQL for a JSON object, as text, of named SQL expressions that are cast to text."""
    pairs = ", ".join(f"{names.quote(name)} := CAST({expression} AS VARCHAR)" for name, expression in members)
    return f"CAST(to_json(struct_pack({pairs})) AS VARCHAR)"
