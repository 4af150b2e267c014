"""Why a column or a variable is not there, and what to write instead, where more is known than near names."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from orchestration.names import BRONZE_PREFIX, SILVER, Table
from orchestration.scripts.binding.scope import Relation, Scope, near
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import as_text
from orchestration.scripts.types import Catalog

AS_OF = "as_of"
NO_COLUMN = "no table here has it."
_PLATFORM = Advice("the platform's own columns are hidden; a script sees one tenant's rows alone.", "Leave it out.")
_SHOWN = 3


def no_column(node: exp.Column, scope: Scope, catalog: Catalog) -> Advice:
    """Say why no table has a column: hidden, an alias of the SELECT list, or misspelt."""
    if node.name.startswith("_"):
        return _PLATFORM
    meant = _aliased(node)
    if meant is not None:
        written = as_text(meant)
        why = "an alias of the SELECT list is known in ORDER BY alone."
        return Advice(why, f"Repeat the expression: {written}")
    if node.table and not node.db and not any(scope.called(node)):
        return not_called(node.table, scope, node.name)
    advice = near(node.name, scope.visible())
    if bronze := _bronze(node, scope):
        silver = _with_column(node.name, bronze, catalog)
        instead = f"Read it from {' or '.join(silver)}." if silver else advice
        return Advice("no table here has it; personal columns of bronze are hidden.", instead)
    return Advice(NO_COLUMN, advice)


def not_called(alias: str, scope: Scope, column: str) -> Advice:
    """Say which names the tables here have, where an alias is none of them; ``column`` is the one that is sought."""
    named = list(dict.fromkeys(relation.alias for relation in scope.every()))
    having = [relation.alias for relation in scope.every() if relation.find(column) is not None]
    if not named:
        return Advice("there is no table here.", "Write FROM.")
    why = f"no table here is called {alias}; there is {' and '.join(named)}."
    written = f"Write {having[0]}.{column}." if having else ""
    return Advice(why, written or near(alias, named, otherwise=f"Write {named[0]}.{column}, if that is meant."))


def undeclared(name: str, known: Collection[str], ended: Collection[str]) -> Advice:
    """Say why a variable is not there; names without their @."""
    if name in ended:
        return Advice("variables end at GO.", f"Declare it again behind GO: {_declare(name)}")
    if name == AS_OF:
        return Advice("it is not declared.", f"Write {_declare(name)} at the top of the script.")
    declare = f"Write {_declare(name)} above."
    return Advice(
        "it is not declared in this batch.", near(f"@{name}", [f"@{item}" for item in known], otherwise=declare)
    )


def _declare(name: str) -> str:
    return f"DECLARE @{name} {'date' if name == AS_OF else '…'};"


def _aliased(node: exp.Column) -> exp.Expr | None:
    """Return the expression of the SELECT list that a name without a table is the alias of."""
    select = node.find_ancestor(exp.Select)
    if select is None or node.table:
        return None
    named = (item for item in select.expressions if isinstance(item, exp.Alias))
    return next((item.this for item in named if item.alias.lower() == node.name.lower()), None)


def _bronze(node: exp.Column, scope: Scope) -> Relation | None:
    """Return the table of bronze that the column may be meant to be of."""
    asked = [item for item in scope.relations if not node.table or item.alias.lower() == node.table.lower()]
    return next((item for item in asked if item.table and item.table[0].startswith(BRONZE_PREFIX)), None)


def _with_column(name: str, bronze: Relation, catalog: Catalog) -> list[str]:
    """Return the tables of silver that have a column of this name, those named like the one of bronze first."""
    assert bronze.table is not None  # noqa: S101 - it is one of bronze
    wanted = bronze.table[1]

    def order(table: Table) -> tuple[bool, bool, Table]:
        return table[1] != wanted, wanted not in table[1], table

    having = [t for t, columns in catalog.items() if t[0] == SILVER and name.lower() in map(str.lower, columns)]
    return [".".join((*table, name)) for table in sorted(having, key=order)[:_SHOWN]]
