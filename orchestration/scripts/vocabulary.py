"""Finds the words and signs of a statement that T-SQL does not have.

sqlglot reads many dialects at once: LIMIT, ILIKE, NULLS LAST or x::int would be parsed and run, though no SQL
Server takes them. So a statement may hold the words of T-SQL that are listed here, and what its tree has as a
name; all else is refused, known or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts.constructs import Advice
from orchestration.scripts.splitting import word

_WORDS = frozenset(
    """
    ADD ALL ALTER AND ANY APPLY AS ASC BETWEEN BOTH BY CASCADE CASE CAST CHECK CLUSTERED COLLATE COLUMN COLUMNS
    CONSTRAINT CONVERT CREATE CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURRENT_USER DATABASE DECLARE DEFAULT
    DELETE DESC DISTINCT DROP ELSE END ESCAPE EXCEPT EXISTS FETCH FIRST FOLLOWING FOR FOREIGN FROM FULL GROUP GROUPING
    HASH HAVING IDENTITY IF IGNORE IN INDEX INNER INSERT INTERSECT INTO IS ISNULL JOIN KEY LAST LEADING LEFT LIKE LOOP
    MATCHED MERGE NEXT NONCLUSTERED NOT NULL NULLS NULLIF OF OFF OFFSET ON ONLY OPTION OR ORDER OUTER OUTPUT OVER
    PARTITION PERCENT PERSISTED PIVOT PRECEDING PRIMARY PROC PROCEDURE RANGE REFERENCES RESPECT RETURNS RIGHT ROLLUP
    ROW ROWS SCHEMA SELECT SESSION_USER SET SETS SOME SOURCE STATISTICS SYSTEM_TIME SYSTEM_USER TABLE TABLESAMPLE
    TARGET THEN TIES TO TOP TRAILING TRUNCATE TRY_CAST TRY_CONVERT PARSE TRY_PARSE UNBOUNDED UNION UNIQUE UNPIVOT
    UPDATE USER USING VALUES VIEW WHEN WHERE WITH WITHIN XML JSON PATH AT TIME ZONE CONTAINED MAXRECURSION STRING_AGG
    TRIM CHAR SCHEMABINDING ENCRYPTION VIEW_METADATA
    """.split()  # noqa: SIM905 - so many words are read best as a text
)
_TYPES = frozenset(
    """
    BIT TINYINT SMALLINT INT INTEGER BIGINT DEC DECIMAL NUMERIC MONEY SMALLMONEY FLOAT REAL DOUBLE PRECISION DATE
    DATETIME DATETIME2 SMALLDATETIME TIME DATETIMEOFFSET CHAR CHARACTER VARYING NATIONAL VARCHAR NCHAR NVARCHAR
    SYSNAME MAX BINARY VARBINARY UNIQUEIDENTIFIER XML ROWVERSION TIMESTAMP SQL_VARIANT
    """.split()  # noqa: SIM905 - so many words are read best as a text
)
_HINTS = frozenset(
    """
    NOLOCK READUNCOMMITTED READCOMMITTED REPEATABLEREAD SERIALIZABLE HOLDLOCK TABLOCK TABLOCKX ROWLOCK PAGLOCK UPDLOCK
    XLOCK NOEXPAND NOWAIT READPAST SNAPSHOT FORCESEEK FORCESCAN RECOMPILE MAXDOP OPTIMIZE UNKNOWN FORCE KEEP
    KEEPFIXED PLAN FAST LABEL EXPAND VIEWS REMOTE REDUCE REPLICATE DISABLE HINT USE CONCAT
    """.split()  # noqa: SIM905 - so many words are read best as a text
)
_KNOWN = _WORDS | _TYPES | _HINTS
_SIGNS = frozenset({
    "(", ")", ",", ";", ".", "+", "-", "*", "/", "%", "=", "<", ">", "<=", ">=", "<>", "!=", "!<", "!>", "&", "|", "^",
    "~", "@", "#", "##", "$", "!", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@@", "{", "}", ":", "[", "]",
})  # fmt: skip
_DATES = frozenset({"DATE", "DATETIME", "DATETIME2", "TIME", "TIMESTAMP", "TIMESTAMPTZ"})
_QUOTED = (TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER, TokenType.HEX_STRING, TokenType.NUMBER)
_NOT_TSQL = "T-SQL has no such {}, and no SQL Server takes it."
_INSTEAD: Mapping[str, str] = {
    "LIMIT": "Write SELECT TOP (n) … ORDER BY, or ORDER BY … OFFSET n ROWS FETCH NEXT m ROWS ONLY.",
    "::": "Write CAST(x AS type).",
    "==": "Write =.",
    "||": "Write + or CONCAT.",
    "<=>": "Write IS NOT DISTINCT FROM.",
    ":=": "Write =.",
    "**": "Write POWER(x, y).",
    "//": "Write /, which cuts whole numbers.",
    "DIV": "Write /, which cuts whole numbers.",
    "&&": "Write AND.",
    "NULLS": "Write ORDER BY CASE WHEN x IS NULL THEN 1 ELSE 0 END, x; NULL sorts first without it.",
    "INTERVAL": "Write DATEADD(day, n, x).",
    "ILIKE": "Write LIKE, which passes over case here.",
    "TRUE": "Write a comparison, such as x = 1; a bit is 1 or 0.",
    "FALSE": "Write a comparison, such as x = 0; a bit is 1 or 0.",
    "QUALIFY": "Put the window into a CTE, and choose by WHERE.",
    "FILTER": "Write SUM(CASE WHEN … THEN x END) or COUNT(CASE WHEN … THEN 1 END).",
    "SEMI": "Write WHERE EXISTS (SELECT …).",
    "ANTI": "Write WHERE NOT EXISTS (SELECT …).",
    "NATURAL": "Write JOIN … ON a.x = b.x.",
    "LATERAL": "Write CROSS APPLY or OUTER APPLY.",
    "EXTRACT": "Write DATEPART(year, x).",
    "ISNULL": "Write IS NULL.",
    "NOTNULL": "Write IS NOT NULL.",
    "RECURSIVE": "Write WITH alone; a CTE may call itself.",
    "STRING": "Write nvarchar(n).",
    "TEXT": "Write nvarchar(max).",
    "DOUBLE": "Write float.",
    "BOOLEAN": "Write bit.",
    "BOOL": "Write bit.",
    "AUTO_INCREMENT": "Write IDENTITY(1, 1).",
    "REPLACE": "Write CREATE OR ALTER VIEW, or DROP TABLE IF EXISTS before CREATE TABLE.",
    "RETURNING": "Leave it out.",
    "`": 'Write [name] or "name".',
}  # fmt: skip


class Foreign(NamedTuple):
    """What T-SQL does not have: the token, what it is, and the advice."""

    token: Token
    what: str
    advice: Advice


def foreign(tokens: Sequence[Token], tree: exp.Expr, text: str) -> Foreign | None:
    """Return the first word or sign of a parsed statement that is neither T-SQL's nor a name."""
    names = {node.meta["start"] for node in tree.walk() if "start" in node.meta and not isinstance(node, exp.Literal)}
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        behind = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.token_type in _QUOTED:
            if text[token.start] == "`":
                return _found(token, "`", "sign")
        elif token.start not in names and (before is None or not _names_next(before)):
            found = _judged(token, behind)
            if found is not None:
                return found
    return None


def _names_next(token: Token) -> bool:
    """Say whether a name follows that is no node of its own: of a variable, a collation."""
    return token.token_type is TokenType.PARAMETER or word(token) == "COLLATE"


def _judged(token: Token, behind: Token | None) -> Foreign | None:
    name = word(token)
    if not any(sign.isalnum() for sign in name):
        return None if name in _SIGNS else _found(token, name, "sign")
    if name in _DATES and behind is not None and behind.token_type is TokenType.STRING:
        advice = Advice("T-SQL has no dates of this form.", f"Write '{behind.text}', or CAST('{behind.text}' AS date).")
        return Foreign(token, f"{name} '{behind.text}'", advice)
    if token.token_type is TokenType.VAR and _is(behind, "(") and name not in _INSTEAD:
        return None  # a function's name, which binding judges
    strange = _half(name, behind) or next((part for part in name.split() if part not in _KNOWN), None)
    return None if strange is None else _found(token, strange, "word")


def _half(name: str, behind: Token | None) -> str | None:
    """Return a word that T-SQL has only with, or only without, what stands behind it here."""
    if name == "NULLS" and _is(behind, "FIRST", "LAST"):
        return f"NULLS {word(behind)}" if behind is not None else None
    alone = (name == "DOUBLE" and not _is(behind, "PRECISION")) or (name == "ISNULL" and not _is(behind, "("))
    return name if alone else None


def _is(token: Token | None, *names: str) -> bool:
    return token is not None and word(token) in names


def _found(token: Token, what: str, kind: str) -> Foreign:
    general = "Write it as T-SQL has it, or in [brackets] where it is a name."
    return Foreign(token, what, Advice(_NOT_TSQL.format(kind), _INSTEAD.get(what.split(maxsplit=1)[0], general)))
