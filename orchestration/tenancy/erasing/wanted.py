"""Who is to be erased, as a command says it: a key of one entity, or a personal value anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.bronze.erased import Key, key_of
from orchestration.contracts.model import Contract
from orchestration.contracts.source import SourceSystem
from orchestration.failures import SettingsError
from orchestration.landing.forgetting import Row

_FORM = """Form: --entity salesforce/contact --key '{"id": "003…"}', or --value anna@example.com."""


@dataclass(frozen=True)
class Wanted:
    """One person: the entities to look at, the key or the value (in lower case, trimmed), and where (all connections).

    Its repr and its errors hold neither key nor value.
    """

    contracts: tuple[Contract, ...]
    key: Key | None = None
    value: str = ""
    connection: str | None = None

    def __repr__(self) -> str:
        """Name the entities alone."""
        return f"Wanted({', '.join(contract.entity for contract in self.contracts)})"

    def has_value(self, contract: Contract, row: Row) -> bool:
        """Say whether a personal column of a landed row holds the value, or a line that cannot be read does."""
        if not self.value:
            return False
        if "" in row:
            return self.value in str(row[""]).lower()
        return any(self.is_value(row.get(column.name)) for column in contract.columns if column.pii)

    def is_value(self, value: object) -> bool:
        """Compare one value as silver does: trimmed, without case."""
        return value is not None and str(value).strip().lower() == self.value


def read_wanted(
    sources: Mapping[str, SourceSystem],
    *,
    entity: str | None,
    key: str | None,
    value: str | None,
    connection: str | None = None,
) -> Wanted:
    """Read the options of the command line.

    Raises:
        SettingsError: they do not go together, or the entity or a key column is unknown.
    """
    if key and value:
        raise SettingsError("Say whom to erase by --key or by --value: it takes one of the two.", _FORM)
    if bool(entity) != bool(key) or bool(key) == bool(value and value.strip()):
        raise SettingsError("Say whom to erase: an entity with a key, or a value.", _FORM)
    if value:
        return Wanted(personal_contracts(sources), value=value.strip().lower(), connection=connection)
    contract = _contract(sources, str(entity))
    return Wanted((contract,), key=_key(contract, str(key)), connection=connection)


def personal_contracts(sources: Mapping[str, SourceSystem]) -> tuple[Contract, ...]:
    """Return the entities of all sources that have a personal column."""
    return tuple(c for s in sources.values() for c in s.contracts.values() if any(x.pii for x in c.columns))


def _contract(sources: Mapping[str, SourceSystem], text: str) -> Contract:
    source, slash, entity = text.partition("/")
    if not slash:
        meant = [f"{name}/{text}" for name, known in sources.items() if text in known.contracts]
        raise SettingsError(f"--entity {text}: names no source; its form is source/entity.", _instead(meant))
    known = sources[source].contracts if source in sources else {}
    if entity not in known:
        listed = ", ".join(known) if known else f"no source {source!r}"
        raise SettingsError(f"--entity {text}: is unknown.", f"There is: {listed}.")
    return known[entity]


def _instead(meant: list[str]) -> str:
    return f"Say --entity {' or '.join(meant)}." if meant else _FORM


def _key(contract: Contract, text: str) -> Key:
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict) or set(members) != set(contract.key):
        raise SettingsError(f"--key: is no JSON object of {', '.join(contract.key)}.", _FORM)
    key = key_of(contract, members)
    if key is None:
        raise SettingsError("--key: a part of it is empty.", _FORM)
    return key
