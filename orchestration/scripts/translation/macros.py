"""DuckDB macros that compute what SQL Server computes where no expression of DuckDB does.

They run once in a script's connection. Each stops with the offending value where a text
could be read only by rules that the engines do not share.
"""

from __future__ import annotations

_LETTERS = "À-ÖØ-Ýà-åç-öø-ýÿĀ-įĴ-ňŊ-őŔ-ž"
_PLAIN = r"\t\n\r -~"

EQUAL_CLASS = f"[{_PLAIN}{_LETTERS}]*"
"""Text that both engines equate alike: no blank at the end, and letters that only case tells apart (no ß, æ, œ)."""

CONSTANT_CLASS = f"[{_PLAIN}{_LETTERS}ßæÆœŒþÞ×÷Ͱ-ϿЀ-ӿ§°€]*"
"""Text that equals a constant of plain ASCII on both engines or on neither."""

ORDER_CLASS = "([0-9A-Za-z ]*[0-9A-Za-z])?"
"""Text that both engines order alike: digits before letters, blanks before both."""

NARROW_CLASS = r"[\x00-\x7f\xa0-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]*"
"""Text that Windows-1252, the code page of varchar, holds whole."""


def _checked(name: str, pattern: str, complaint: str, *, blanks: bool) -> str:
    ends = " AND NOT ends_with(x, ' ')" if blanks else ""
    return (
        f"CREATE OR REPLACE TEMP MACRO {name}(x) AS CASE WHEN x IS NULL OR "
        f"regexp_full_match(x, '{pattern}', 's'){ends} THEN x "
        f"ELSE error(concat('''', x, ''' {complaint}')) END"
    )


def _read(name: str, pattern: str, value: str, kind: str, *, empty: str = "") -> tuple[str, str]:
    """Return two macros that read text: one stops at what the pattern refuses, the other gives NULL."""
    blank = f"WHEN trim(x) = '' THEN {empty} " if empty else ""
    body = f"CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(trim(x), '{pattern}') THEN {value} {blank}ELSE"
    complaint = f"error(concat('''', x, ''' is not {kind}'))"
    return (
        f"CREATE OR REPLACE TEMP MACRO strata_{name}(x) AS {body} {complaint} END",
        f"CREATE OR REPLACE TEMP MACRO strata_try_{name}(x) AS {body} NULL END",
    )


_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0?)?)?)?"
_LONG = "CASE WHEN length(trim(x)) = 16 THEN concat(trim(x), ':00') ELSE left(trim(x), 26) END"
_EMPTY = "WHEN trim(x) = '' THEN TIMESTAMP '1900-01-01' "
_UNREADABLE = "WHEN NOT regexp_matches(x, '[0-9]') THEN NULL "
_NOT_ISO = "error(concat('''', x, ''' is no date of the form yyyy-mm-dd; others depend on the server''s language'))"
_NOT_STYLE = "error(concat('''', x, ''' is no date in the style of this CONVERT'))"


def _moment(cast: str, parse: str, *, attempt: bool) -> str:
    """Read ISO's forms alone; an attempt gives NULL only for what no rule of SQL Server reads as a date."""
    name = "strata_try_moment" if attempt else "strata_moment"
    return (
        f"CREATE OR REPLACE TEMP MACRO {name}(x) AS CASE WHEN x IS NULL THEN NULL "
        f"WHEN regexp_full_match(trim(x), '{_ISO}') THEN {cast}({_LONG} AS TIMESTAMP) "
        f"WHEN regexp_full_match(trim(x), '[0-9]{{8}}') THEN {parse}(trim(x), '%Y%m%d') {_EMPTY}"
        f"{_UNREADABLE if attempt else ''}ELSE {_NOT_ISO} END"
    )


def _styled(name: str, parse: str, *, attempt: bool) -> str:
    return (
        f"CREATE OR REPLACE TEMP MACRO {name}(x, pattern, form) AS CASE WHEN x IS NULL THEN NULL "
        f"WHEN regexp_full_match(trim(x), pattern) THEN {parse}(trim(x), form) {_EMPTY}"
        f"{_UNREADABLE if attempt else ''}ELSE {_NOT_STYLE} END"
    )


_SECOND = "date_part('microsecond', t) % 1000000"

MACROS: tuple[str, ...] = (
    _checked("strata_equal", EQUAL_CLASS, "has a blank at its end or a letter that SQL Server compares in its own way", blanks=True),
    _checked("strata_constant", CONSTANT_CLASS, "has a blank at its end or a character that SQL Server may ignore", blanks=True),
    _checked("strata_order", ORDER_CLASS, "has characters that SQL Server sorts in its own way", blanks=False),
    _checked("strata_narrow", NARROW_CLASS, "has characters that varchar cannot hold", blanks=False),
    *_read("whole", "[-+]?[0-9]+", "ltrim(trim(x), '+')", "a whole number", empty="'0'"),
    *_read("fraction", "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)", "ltrim(trim(x), '+')", "a decimal number"),
    *_read("amount", "[-+]?[$€£]?([0-9][0-9,]*[.]?[0-9]*|[.][0-9]+)", "regexp_replace(trim(x), '[$€£,+]', '', 'g')",
           "an amount of money", empty="'0'"),
    *_read("float", "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?", "ltrim(trim(x), '+')", "a number", empty="'0'"),
    *_read("bit", "([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[-+]?[0-9]+)",
           "(lower(trim(x)) = 'true' OR regexp_matches(x, '[1-9]'))", "a bit", empty="false"),
    _moment("CAST", "strptime", attempt=False),
    _moment("TRY_CAST", "try_strptime", attempt=True),
    _styled("strata_styled", "strptime", attempt=False),
    _styled("strata_try_styled", "try_strptime", attempt=True),
    # A datetime counts three-hundredths of a second and shows thousandths.
    "CREATE OR REPLACE TEMP MACRO strata_datetime(t) AS date_trunc('second', t) + to_microseconds("
    f"CAST(round(round(({_SECOND}) * 3 / 10000.0) * 10 / 3.0) AS BIGINT) * 1000)",
    "CREATE OR REPLACE TEMP MACRO strata_smalldatetime(t) AS date_trunc('minute', t + INTERVAL 30001 MILLISECONDS)",
    f"CREATE OR REPLACE TEMP MACRO strata_places(t, unit) AS date_trunc('second', t) + to_microseconds("
    f"CAST(round(({_SECOND}) / unit) AS BIGINT) * unit)",
    "CREATE OR REPLACE TEMP MACRO strata_ticks(t) AS CASE WHEN date_part('millisecond', t) % 10 = 0 THEN t "
    "WHEN t IS NULL THEN NULL ELSE error(concat(t, ' is a datetime whose thirds of a hundredth datetime2 would show')) END",
    "CREATE OR REPLACE TEMP MACRO strata_day(n) AS TIMESTAMP '1900-01-01' + to_days(CAST(n AS INTEGER))",
    "CREATE OR REPLACE TEMP MACRO strata_at(t) AS DATE '1900-01-01' + t",
    "CREATE OR REPLACE TEMP MACRO strata_twelve(t) AS "
    "concat(lpad(CAST((hour(t) + 11) % 12 + 1 AS VARCHAR), 2, ' '), strftime(t, ':%M%p'))",
    "CREATE OR REPLACE TEMP MACRO strata_decimals(t, n) AS left(concat(strftime(t, '%f'), '0'), n)",
    "CREATE OR REPLACE TEMP MACRO strata_unless_zero(f) AS CASE WHEN regexp_full_match(f, '0+') THEN '' ELSE '.' || f END",
    # 1899-12-31 was a Sunday; a week's number is that of its Sunday.
    "CREATE OR REPLACE TEMP MACRO strata_weeks(d) AS CAST(floor((CAST(d AS DATE) - DATE '1899-12-31') / 7.0) AS BIGINT)",
    "CREATE OR REPLACE TEMP MACRO strata_week(d) AS "
    "strata_weeks(d) - strata_weeks(date_trunc('year', d)) + 1",
    "CREATE OR REPLACE TEMP MACRO strata_micros(n, places) AS n * CAST(pow(10, 6 - places) AS BIGINT)",
    "CREATE OR REPLACE TEMP MACRO strata_over(n, d) AS CASE WHEN d = 0 THEN error('a division by zero') ELSE n / d END",
    "CREATE OR REPLACE TEMP MACRO strata_ascii(x) AS CASE WHEN x IS NULL OR regexp_full_match(x, '[\\t\\n\\r -~]*', 's') "
    "THEN x ELSE error(concat('''', x, ' has letters that a class of LIKE takes by their sorting')) END",
    "CREATE OR REPLACE TEMP MACRO strata_upper(x) AS replace(upper(x), 'ẞ', 'ß')",
    "CREATE OR REPLACE TEMP MACRO strata_count(n) AS CASE WHEN n < 0 THEN error('a negative length of text') ELSE n END",
    "CREATE OR REPLACE TEMP MACRO strata_substring(x, s, n) AS CASE WHEN n < 0 THEN error('a negative length of text') "
    "WHEN s < 1 THEN left(x, greatest(n + s - 1, 0)) ELSE substr(x, s, n) END",
    "CREATE OR REPLACE TEMP MACRO strata_charindex(n, h, s) AS CASE WHEN n IS NULL OR h IS NULL THEN NULL "
    "WHEN n = '' OR strpos(lower(substr(h, greatest(s, 1))), lower(n)) = 0 THEN 0 "
    "ELSE strpos(lower(substr(h, greatest(s, 1))), lower(n)) + greatest(s, 1) - 1 END",
    "CREATE OR REPLACE TEMP MACRO strata_replace(x, old, new) AS CASE WHEN old = '' THEN x "
    "ELSE regexp_replace(x, regexp_escape(old), replace(new, chr(92), concat(chr(92), chr(92))), 'gi') END",
    "CREATE OR REPLACE TEMP MACRO strata_stuff(x, s, n, new) AS CASE WHEN s < 1 OR s > length(x) OR n < 0 THEN NULL "
    "WHEN x IS NULL OR s IS NULL OR n IS NULL THEN NULL ELSE concat(left(x, s - 1), new, substr(x, s + n)) END",
    "CREATE OR REPLACE TEMP MACRO strata_replicate(x, n) AS CASE WHEN n < 0 THEN NULL ELSE repeat(x, n) END",
    "CREATE OR REPLACE TEMP MACRO strata_patindex(x, p) AS CASE WHEN x IS NULL THEN NULL "
    "WHEN regexp_matches(x, p, 'is') THEN length(regexp_extract(x, concat('^(.*?)', p), 1, 'is')) + 1 ELSE 0 END",
    "CREATE OR REPLACE TEMP MACRO strata_unicode(x) AS CASE WHEN x = '' THEN NULL ELSE unicode(x) END",
    "CREATE OR REPLACE TEMP MACRO strata_str(x, n) AS CASE WHEN length(x) > n THEN repeat('*', n) ELSE lpad(x, n, ' ') END",
    "CREATE OR REPLACE TEMP MACRO strata_zeros_of(t, n) AS CASE WHEN length(t) < n THEN lpad(t, n, '0') ELSE t END",
    "CREATE OR REPLACE TEMP MACRO strata_zeros(t, n) AS CASE WHEN starts_with(t, '-') "
    "THEN concat('-', strata_zeros_of(ltrim(t, '-'), n)) ELSE strata_zeros_of(t, n) END",
    "CREATE OR REPLACE TEMP MACRO strata_dollars(t) AS CASE WHEN starts_with(t, '-') "
    "THEN concat('-$', ltrim(t, '-')) ELSE concat('$', t) END",
    "CREATE OR REPLACE TEMP MACRO strata_step(a, b) AS CASE WHEN a > b THEN -1 ELSE 1 END",
    "CREATE OR REPLACE TEMP MACRO strata_round(level, most) AS CASE WHEN level > most "
    "THEN error(concat('the maximum recursion ', most, ' has been exhausted')) ELSE level END",
    "CREATE OR REPLACE TEMP MACRO strata_pattern(p) AS CASE WHEN contains(p, '[') OR ends_with(p, ' ') "
    "THEN error(concat('''', p, ''' is a pattern with a class or a blank at its end')) ELSE p END",
    "CREATE OR REPLACE TEMP MACRO strata_fits(x, n) AS CASE WHEN x IS NULL OR length(x) <= n THEN x "
    "ELSE error(concat('''', x, ''' does not fit into ', n, ' characters')) END",
    "CREATE OR REPLACE TEMP MACRO strata_starred(x, n) AS CASE WHEN length(x) > n THEN '*' ELSE x END",
    "CREATE OR REPLACE TEMP MACRO strata_grouped(t) AS concat(CASE WHEN starts_with(t, '-') THEN '-' ELSE '' END, "
    "format('{:,}', CAST(split_part(ltrim(t, '-'), '.', 1) AS BIGINT)), "
    "CASE WHEN contains(t, '.') THEN concat('.', split_part(t, '.', 2)) ELSE '' END)",
    "CREATE OR REPLACE TEMP MACRO strata_digits(x, unit) AS CAST(x * unit AS HUGEINT)",
    "CREATE OR REPLACE TEMP MACRO strata_exact(x, y) AS CASE WHEN x = y OR x IS NULL THEN y "
    "ELSE error(concat(x, ' has more than the four decimals of money')) END",
)  # fmt: skip
"""Run these once in a script's connection."""
