"""Tells in which tables and columns a dbt source file differs from the contracts, for who mends one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Columns = Mapping[str, Mapping[str, Any]]
"""What a file says of each column, by name."""


def source_differences(path: Path, expected: str) -> list[str]:
    """Compare a source file with what it should say; empty when it says that.

    Of a file that cannot be read as one, or differs in something else than columns, only this is told.
    """
    text = path.read_text(encoding="utf-8")
    if text == expected:
        return []
    try:
        old, new = _tables(text), _tables(expected)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return ["it cannot be read as dbt's sources"]
    return list(_between(old, new)) or ["descriptions, owners or versions differ, the columns do not"]


def _tables(text: str) -> dict[str, Columns]:
    return {
        f"{source['name']}.{table['name']}": {column["name"]: column for column in table["columns"]}
        for source in yaml.safe_load(text)["sources"]
        for table in source["tables"]
    }


def _between(old: Mapping[str, Columns], new: Mapping[str, Columns]) -> Iterator[str]:
    for table in sorted({*old, *new}):
        if table not in new:
            yield f"{table} is not in the contracts any more"
        elif table not in old:
            yield f"{table} is new in the contracts"
        else:
            yield from (f"{table}: {text}" for text in _of_columns(old[table], new[table]))


def _of_columns(old: Columns, new: Columns) -> Iterator[str]:
    gone, added = [name for name in old if name not in new], [name for name in new if name not in old]
    changed = [name for name in old if name in new and old[name] != new[name]]
    for names, words in (
        (gone, "not in the contract any more"), (added, "new in the contract"), (changed, "changed in the contract"),
    ):  # fmt: skip
        if names:
            yield f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {words}"
