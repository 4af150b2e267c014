"""Finds dbt models in which a personal column could leave bronze unhidden: named outside the macro ``personal``.

The macro asks the contract what silver may show. A column that a contract marks
tomorrow is found in the model that selects it today. This reads the models' text
and so finds mistakes, not tricks; a test builds every model on planted values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration import names
from orchestration.contracts.model import Contract, PiiForm

_HIDDEN = re.compile(r"\bpersonal\(\s*source\([^)]*\)\s*,\s*(\[[^\]]*\]|'[^']*'|\"[^\"]*\")\s*\)")
_SOURCE = re.compile(r"\bsource\(\s*['\"](\w+)['\"]\s*,\s*['\"](\w+)['\"]\s*\)")
_COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)
_ALIAS = re.compile(r"\bas\s+\w+", re.IGNORECASE)
_STAR = re.compile(r"\bselect\s+(\w+\.)?\*", re.IGNORECASE)
_BY_NAME = re.compile(rf"\b({names.BRONZE_PREFIX}\w+)\"?\s*\.\s*\"?(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Exposure:
    """A place in a dbt file where a personal column is read as it is."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        """Say where it is and what to write instead."""
        return f"{self.path}, line {self.line}: {self.what}"


def personal_columns(contracts: Iterable[Contract]) -> dict[names.Table, list[str]]:
    """Return of each bronze table the columns that nothing after bronze may show as they are."""
    return {
        contract.table: [c.name for c in contract.columns if c.pii and c.pii_form is not PiiForm.CLEAR]
        for contract in contracts
    }


def exposures(dbt_dir: Path, contracts: Iterable[Contract]) -> list[Exposure]:
    """Return every place in models and macros that reads a personal column otherwise than through the macro."""
    personal = personal_columns(contracts)
    files = [path for folder in ("models", "macros") for path in sorted((dbt_dir / folder).rglob("*.sql"))]
    return [found for path in files for found in _of_file(path, personal)]


def _of_file(path: Path, personal: dict[names.Table, list[str]]) -> Iterator[Exposure]:
    text = path.read_text(encoding="utf-8")
    tables = [(schema, table) for schema, table in _SOURCE.findall(text)]
    for pattern in (_HIDDEN, _COMMENT, _ALIAS):
        text = pattern.sub(_blank, text)
    for match in _BY_NAME.finditer(_SOURCE.sub(_blank, text)):
        if (match[1].lower(), match[2].lower()) in personal:
            yield Exposure(
                path, _line(text, match), f"write {{{{ source('{match[1]}', '{match[2]}') }}}} for {match[0]}."
            )
    for table in sorted(set(tables)):
        columns = personal.get(table)
        if columns:
            yield from _of_table(path, text, table, columns)


def _of_table(path: Path, text: str, table: names.Table, columns: list[str]) -> Iterator[Exposure]:
    label = ".".join(table)
    for match in _STAR.finditer(text):
        yield Exposure(path, _line(text, match), f"* would show the personal columns of {label}; name the columns.")
    for match in re.finditer(rf"\b({'|'.join(map(re.escape, columns))})\b", text, re.IGNORECASE):
        instead = f"{{{{ personal(source('{table[0]}', '{table[1]}'), '{match[0]}') }}}}"
        yield Exposure(path, _line(text, match), f"{match[0]} of {label} is personal; write {instead}.")


def _blank(match: re.Match[str]) -> str:
    """Blank a stretch of text and keep its lines, so that line numbers stay those of the file."""
    return re.sub(r"[^\n]", " ", match[0])


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1
