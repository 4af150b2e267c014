"""SOQL, as far as extractors write it, parsed and turned into SQL for the org's file.

``SELECT COUNT() | fields FROM object [WHERE …] [ORDER BY …] [LIMIT n] [OFFSET n]`` with
AND, OR, NOT, brackets, comparisons, LIKE and IN. Everything else is a MALFORMED_QUERY.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.names import quote
from source_systems.salesforce.simulator.errors import invalid_field, invalid_type, malformed_query
from source_systems.salesforce.simulator.records import STAMP_FORMAT
from source_systems.salesforce.simulator.schema import COMPOUND, NUMBERS, Field, SObject

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<mark><=|>=|!=|<>|[=<>(),]))""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "IS", "!=": "IS NOT", "<>": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_KINDS = {"datetime": "instant", "date": "date"}


@dataclass(frozen=True)
class Query:
    """A parsed query; ``fields`` is empty for a COUNT()."""

    sobject: SObject
    fields: tuple[Field, ...]
    where: str
    order: str
    tail: str
    parameters: tuple[str | int | float | None, ...]

    def sql(self, columns: str, *, include_deleted: bool) -> str:
        """Return the SQL that selects ``columns``; the recycle bin is seen by ``queryAll`` alone."""
        conditions = [f"({self.where})"] if self.where else []
        if not include_deleted and self.sobject.field("IsDeleted"):
            conditions.append("IsDeleted = 0")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {columns} FROM {quote(self.sobject.name)}{where}{self.order}{self.tail}"


def parse(text: str, objects: Mapping[str, SObject]) -> Query:
    """Parse a query against the org's objects; raises ``ApiError`` in Salesforce's words."""
    return _Parser(text, objects).query()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _Parser:
    def __init__(self, text: str, objects: Mapping[str, SObject]) -> None:
        self._tokens, self._place, self._objects = _tokens(text), 0, objects
        self._parameters: list[str | int | float | None] = []

    def query(self) -> Query:
        self._expect("SELECT")
        names = self._selected()
        self._expect("FROM")
        name = self._take("word").text
        found = next((item for item in self._objects.values() if item.name.lower() == name.lower()), None)
        if found is None:
            raise invalid_type(name)
        self._sobject = found
        fields = tuple(self._field(name) for name in names)
        where = self._any() if self._accept("WHERE") else ""
        order, tail = self._order(), self._tail()
        if self._place < len(self._tokens):
            raise malformed_query(f"unexpected token: '{self._tokens[self._place].text}'")
        return Query(found, fields, where, order, tail, tuple(self._parameters))

    def _selected(self) -> list[str]:
        names = [self._take("word").text]
        if names[0].upper() == "COUNT" and self._accept("("):
            self._expect(")")
            return []
        while self._accept(","):
            names.append(self._take("word").text)
        return names

    def _any(self) -> str:
        parts = [self._all()]
        while self._accept("OR"):
            parts.append(self._all())
        return " OR ".join(parts)

    def _all(self) -> str:
        parts = [self._one()]
        while self._accept("AND"):
            parts.append(self._one())
        return " AND ".join(parts)

    def _one(self) -> str:
        if self._accept("NOT"):
            return f"NOT {self._one()}"
        if self._accept("("):
            inside = self._any()
            self._expect(")")
            return f"({inside})"
        return self._comparison(self._field(self._take("word").text))

    def _comparison(self, field: Field) -> str:
        if field.type in COMPOUND:
            raise malformed_query(f"field '{field.name}' can not be filtered in a query call")
        column = _column(field)
        if self._accept("LIKE"):
            self._parameters.append(_unquoted(self._take("text").text))
            return f"{column} LIKE ?"
        negated = self._accept("NOT")
        if self._accept("IN"):
            return f"{column} {'NOT ' if negated else ''}IN ({self._list(field)})"
        operator = self._take("mark").text
        if negated or operator not in _COMPARISONS:
            raise malformed_query(f"unexpected token: '{operator}'")
        self._parameters.append(self._literal(field))
        return f"{column} {_COMPARISONS[operator]} ?"

    def _list(self, field: Field) -> str:
        self._expect("(")
        values = [self._literal(field)]
        while self._accept(","):
            values.append(self._literal(field))
        self._expect(")")
        self._parameters += values
        return ", ".join("?" * len(values))

    def _literal(self, field: Field) -> str | int | float | None:
        token = self._take()
        if token.text.lower() == "null":
            return None
        if field.type == "boolean" and token.text.lower() in ("true", "false"):
            return int(token.text.lower() == "true")
        wanted = "number" if field.type in NUMBERS else _KINDS.get(field.type, "text")
        if token.kind != wanted:
            message = f"value of filter criterion for field '{field.name}' must be of type {field.type}"
            hint = " and should not be enclosed in quotes" if token.kind == "text" else ""
            raise invalid_field(self._sobject.name, f"{field.name}': {message}{hint}")
        if wanted == "instant":
            return datetime.fromisoformat(token.text).astimezone(UTC).strftime(STAMP_FORMAT)
        return float(token.text) if wanted == "number" else _unquoted(token.text)

    def _order(self) -> str:
        if not self._accept("ORDER"):
            return ""
        self._expect("BY")
        parts = [self._order_part()]
        while self._accept(","):
            parts.append(self._order_part())
        return f" ORDER BY {', '.join(parts)}"

    def _order_part(self) -> str:
        column = _column(self._field(self._take("word").text))
        direction = "DESC" if self._accept("DESC") else "ASC"
        self._accept("ASC")
        nulls = ""
        if self._accept("NULLS"):
            nulls = " NULLS FIRST" if self._accept("FIRST") else " NULLS LAST"
            self._accept("LAST")
        return f"{column} {direction}{nulls}"

    def _tail(self) -> str:
        limit = int(self._take("number").text) if self._accept("LIMIT") else -1
        offset = int(self._take("number").text) if self._accept("OFFSET") else 0
        return "" if limit < 0 and not offset else f" LIMIT {limit} OFFSET {offset}"

    def _field(self, name: str) -> Field:
        field = self._sobject.field(name)
        if field is None:
            raise invalid_field(self._sobject.name, name)
        return field

    def _accept(self, text: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place].text.upper() == text:
            self._place += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            found = self._tokens[self._place].text if self._place < len(self._tokens) else "<EOF>"
            raise malformed_query(f"unexpected token: '{found}', expected {text}")

    def _take(self, kind: str = "") -> _Token:
        if self._place >= len(self._tokens):
            raise malformed_query("unexpected token: '<EOF>'")
        token = self._tokens[self._place]
        if kind and token.kind != kind:
            raise malformed_query(f"unexpected token: '{token.text}'")
        self._place += 1
        return token


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match:
            raise malformed_query(f"unexpected token: '{text[place : place + 20]}'")
        tokens.append(_Token(str(match.lastgroup), str(match[str(match.lastgroup)])))
        place = match.end()
    return tokens


def _column(field: Field) -> str:
    column = quote(field.name)
    return f"CAST({column} AS REAL)" if field.type in NUMBERS else column


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith("'") else text
