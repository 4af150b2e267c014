"""What a script's statements do, bound and typed, before they are any engine's text.

Trees are T-SQL as :func:`orchestration.scripts.binding.bind` left them: each expression has its type and each
column its source. Lineage reads them; :mod:`orchestration.scripts.translation.statements` makes DuckDB's text of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.binding.scope import Assumption
from orchestration.scripts.tables import Name
from orchestration.scripts.types import Columns, SqlType


@dataclass(frozen=True)
class Identity:
    """An IDENTITY column: its next value is ``seed``, then each ``step`` more."""

    column: str
    seed: int
    step: int


@dataclass(frozen=True)
class Layout:
    """How a table was made. Columns keep their spelling; ``defaults`` are T-SQL, by column in lower case."""

    columns: Columns
    defaults: Mapping[str, exp.Expr] = field(default_factory=dict)
    identity: Identity | None = None
    required: Sequence[str] = ()
    unique: Sequence[tuple[str, ...]] = ()
    checks: Sequence[exp.Expr] = ()

    def spelled(self, name: str) -> str | None:
        """Return a column's name as the table spells it; None when it has no such column."""
        return next((column for column in self.columns if column.lower() == name.lower()), None)


@dataclass(frozen=True)
class Action:
    """One statement's doing; ``place`` is its line and column."""

    place: tuple[int, int]


@dataclass(frozen=True)
class Verify(Action):
    """What has to hold of stored text before the next action, so that both engines compare or sort it alike."""

    assumption: Assumption


@dataclass(frozen=True)
class Create(Action):
    """CREATE TABLE, or DECLARE @t TABLE: an empty table."""

    target: Name
    layout: Layout


@dataclass(frozen=True)
class Fill(Action):
    """SELECT … INTO: a new table from a query."""

    target: Name
    query: exp.Query
    columns: Columns


@dataclass(frozen=True)
class View(Action):
    """CREATE VIEW: a query that is computed when it is read, and kept as a table at the script's end."""

    target: Name
    query: exp.Query
    columns: Columns


@dataclass(frozen=True)
class Values:
    """A query whose outputs, of ``kinds`` and in order, become values of ``columns``, whose types are ``wanted``.

    The kind of a NULL that is written out is ``null``.
    """

    query: exp.Query
    columns: Sequence[str]
    kinds: Sequence[SqlType]
    wanted: Sequence[SqlType]


@dataclass(frozen=True)
class Rule:
    """A query that returns rows which break a rule of the table that was changed, if ``assumptions`` hold then."""

    broken: str
    query: exp.Query
    assumptions: Sequence[Assumption]


@dataclass(frozen=True)
class Change(Action):
    """What changes rows of a table; ``rules`` are verified when it is done, as the server does."""

    target: Name
    layout: Layout
    rules: Sequence[Rule]


@dataclass(frozen=True)
class Insert(Change):
    """INSERT; with ``numbered`` the last output is not a column's but the row's number, for IDENTITY."""

    values: Values
    numbered: bool = False


@dataclass(frozen=True)
class Rows:
    """Where in a query the table that is changed stands: its alias, and the CTE that leads to it, if one does."""

    alias: str
    cte: str = ""


@dataclass(frozen=True)
class Update(Change):
    """UPDATE: new values for each of the target's rows that the query reaches."""

    values: Values
    rows: Rows


@dataclass(frozen=True)
class Delete(Change):
    """DELETE: the target's rows that the query reaches."""

    query: exp.Query
    rows: Rows


@dataclass(frozen=True)
class Merge(Change):
    """MERGE: all ``parts`` are computed before the first is done; ``matched`` says which act on matched rows."""

    parts: Sequence[Insert | Update | Delete]
    matched: Sequence[bool]


@dataclass(frozen=True)
class Truncate(Action):
    """TRUNCATE TABLE: no rows, and IDENTITY from its seed again."""

    target: Name
    layout: Layout


@dataclass(frozen=True)
class Drop(Action):
    """DROP TABLE or DROP VIEW."""

    target: Name
    is_view: bool = False


@dataclass(frozen=True)
class Assign(Action):
    """DECLARE with a value, SET @x and SELECT @x = …: the query's one row has a value for each variable.

    No row leaves the variables as they are.
    """

    variables: Mapping[str, SqlType]
    values: Values
