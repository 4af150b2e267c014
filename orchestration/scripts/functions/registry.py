"""Every function that scripts may call, by its name in capitals."""

from __future__ import annotations

from orchestration.scripts.functions.aggregates import AGGREGATES, WINDOWS
from orchestration.scripts.functions.dates import DATES
from orchestration.scripts.functions.formats import FORMATS
from orchestration.scripts.functions.logic import LOGIC
from orchestration.scripts.functions.numbers import NUMBERS
from orchestration.scripts.functions.rule import Function
from orchestration.scripts.functions.text import TEXTS

FUNCTIONS: dict[str, Function] = {**NUMBERS, **TEXTS, **DATES, **FORMATS, **LOGIC, **AGGREGATES, **WINDOWS}
TABLE_FUNCTIONS = ("STRING_SPLIT", "GENERATE_SERIES")
REFUSED: dict[str, tuple[str, str]] = {
    "DATE_BUCKET": (
        "SQL Server knows it from 2022 on, and scripts do not.",
        "Write DATETRUNC(month, x); for n days DATEADD(day, DATEDIFF(day, '19000101', x) / n * n, '19000101').",
    ),
    "ISNUMERIC": (
        "it says yes to texts that no number type takes, such as '$' and '1e4'.",
        "Use TRY_CONVERT(decimal(18,4), x) IS NOT NULL.",
    ),
    "ISDATE": ("what is a date depends on the server's language.", "Use TRY_CONVERT(date, x) IS NOT NULL."),
    "RAND": ("the result would differ from run to run.", "Leave it out."),
    "NEWID": ("the result would differ from run to run.", "Build a key from columns."),
    "CHECKSUM": ("it is another number on every engine.", "Compare the columns themselves."),
    "HASHBYTES": ("it hashes bytes that every engine stores differently.", "Compare the columns themselves."),
    "PARSE": ("it reads text by the rules of a culture.", "Use CONVERT with a style, or TRY_CONVERT."),
    "TRANSLATE": ("whether it tells letters apart by case depends on the collation.", "Nest REPLACE."),
    "SOUNDEX": ("it is computed differently by every engine.", "Compare the texts themselves."),
    "SYSDATETIMEOFFSET": ("DuckDB keeps no offset.", "Use @as_of."),
    "APPROX_COUNT_DISTINCT": ("an approximation is another number on every engine.", "Use COUNT(DISTINCT x)."),
}
"""Functions that are known and refused: why, and what to write instead."""
