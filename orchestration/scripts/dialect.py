"""Parses T-SQL so that what the analyst wrote can still be told.

sqlglot maps functions to names that all dialects share: GETDATE and SYSDATETIME become
one, DATENAME becomes FORMAT, LEN a cast. Their types and results differ, so functions are
renamed before the parser sees them and arrive as ``exp.Anonymous`` with their arguments in
order; :func:`function_name` tells which it is. FLOAT and REAL, one to sqlglot, stay two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel
from sqlglot.tokenizer_core import Token, TokenType

TSQL = Dialect.get_or_raise("tsql")
_MARK = "tsql_"
_FUNCTIONS = frozenset({
    "ABS", "ACOS", "APPROX_COUNT_DISTINCT", "ASCII", "ASIN", "ATAN", "ATN2", "AVG", "CEILING", "CHARINDEX",
    "CHECKSUM", "CHECKSUM_AGG", "CHOOSE", "COALESCE", "CONCAT", "CONCAT_WS", "COS", "COT", "COUNT", "COUNT_BIG",
    "CUME_DIST", "DATALENGTH", "DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEFROMPARTS", "DATENAME", "DATEPART",
    "DATETIME2FROMPARTS", "DATETIMEFROMPARTS", "DATETRUNC", "DATE_BUCKET", "DAY", "DEGREES", "DENSE_RANK",
    "DIFFERENCE", "EOMONTH", "EXP", "FIRST_VALUE", "FLOOR", "FORMAT", "GENERATE_SERIES", "GETDATE", "GETUTCDATE",
    "GREATEST", "GROUPING", "GROUPING_ID", "HASHBYTES", "IIF", "ISDATE", "ISJSON", "ISNULL", "ISNUMERIC",
    "JSON_QUERY", "JSON_VALUE", "LAG", "LAST_VALUE", "LEAD", "LEAST", "LEFT", "LEN", "LOG", "LOG10", "LOWER",
    "LTRIM", "MAX", "MIN", "MONTH", "NEWID", "NTILE", "NULLIF", "OBJECT_ID", "OPENJSON", "PARSENAME", "PATINDEX",
    "PERCENTILE_CONT", "PERCENTILE_DISC", "PERCENT_RANK", "PI", "POWER", "QUOTENAME", "RADIANS", "RAND", "RANK",
    "REPLACE", "REPLICATE", "REVERSE", "RIGHT", "ROUND", "ROW_NUMBER", "RTRIM", "SIGN", "SIN",
    "SMALLDATETIMEFROMPARTS", "SOUNDEX", "SPACE", "SQRT", "SQUARE", "STDEV", "STDEVP", "STR", "STRING_SPLIT",
    "STUFF", "SUBSTRING", "SUM", "SWITCHOFFSET", "SYSDATETIME", "SYSDATETIMEOFFSET", "SYSUTCDATETIME", "TAN",
    "TIMEFROMPARTS", "TODATETIMEOFFSET", "TRANSLATE", "UNICODE", "UPPER", "VAR", "VARP", "YEAR",
})  # fmt: skip
_NAMES_BEFORE = frozenset({TokenType.DOT, TokenType.ALIAS, TokenType.INTO, TokenType.TABLE, TokenType.WITH})


def parse(tokens: Sequence[Token], text: str) -> list[exp.Expr | None]:
    """Parse the tokens of ``text``, or a part of them.

    Raises:
        sqlglot.errors.ParseError: the text is no T-SQL that sqlglot knows.
    """
    parser = TSQL.parser(error_level=ErrorLevel.RAISE)
    trees: list[exp.Expr | None] = parser.parse(_marked(tokens), text)
    return trees


def parse_text(text: str) -> exp.Expr:
    """Parse one statement or expression from its text."""
    (tree,) = parse(TSQL.tokenize(text), text)
    assert tree is not None  # noqa: S101 - text that holds nothing is no statement
    return tree


def function_name(node: exp.Expr) -> str:
    """Return the name, in capitals, of the function that a node calls; empty when it calls none."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).removeprefix(_MARK).upper()
    return _CALLS.get(type(node), "")


_CALLS: dict[type[exp.Expr], str] = {
    exp.GroupConcat: "STRING_AGG",
    exp.Chr: "CHAR",
    exp.Trim: "TRIM",
    exp.CurrentTimestamp: "CURRENT_TIMESTAMP",
}


def as_text(node: exp.Expr) -> str:
    """Return a tree's T-SQL for people, functions by the names that the analyst wrote."""
    return re.sub(_MARK, "", node.sql("tsql"), flags=re.IGNORECASE)


def _marked(tokens: Sequence[Token]) -> list[Token]:
    marked: list[Token] = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1].token_type if index + 1 < len(tokens) else None
        before = tokens[index - 1].token_type if index else None
        word = token.text.upper()
        if following is TokenType.L_PAREN and word in _FUNCTIONS and _is_call(token, before):
            marked.append(_as(token, TokenType.VAR, f"{_MARK}{word}"))
        elif token.token_type is TokenType.FLOAT and word == "FLOAT":
            marked.append(_as(token, TokenType.DOUBLE, token.text))
        else:
            marked.append(token)
    return marked


def _is_call(token: Token, before: TokenType | None) -> bool:
    return token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING) and before not in _NAMES_BEFORE


def _as(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, token.comments)
