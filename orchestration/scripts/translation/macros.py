"""DuckDB macros that compute what SQL Server computes where no expression of DuckDB does.

Those that a script calls are made in its connection. Each stops with the offending value where a text
could be read only by rules that the engines do not share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LETTERS = "À-ÅÇ-ÖØ-Ýà-åç-öø-ýÿĀ-įĴ-ňŊ-őŔ-ž"
_ASCII = r"\t\n\r -~"
_BEYOND_LATIN = bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")

EQUAL_CLASS = f"[{_ASCII}{_LETTERS}]*"
"""Text that both engines equate alike: no blank at the end, and letters that only case tells apart (no ß, æ, œ)."""

CONSTANT_CLASS = f"[{_ASCII}{_LETTERS}ßæÆœŒþÞͰ-ϿЀ-ӿ§°€]*"
"""Text that equals a constant of plain ASCII on both engines or on neither."""

ORDER_CLASS = "([0-9A-Za-z ]*[0-9A-Za-z])?"
"""Text that both engines order alike: digits before letters, blanks before both."""

NARROW_CLASS = rf"[\x00-\x7f\xa0-\xff{_BEYOND_LATIN}]*"
"""Text that Windows-1252, the code page of varchar, holds whole."""


def _macro(signature: str, body: str) -> str:
    return f"CREATE OR REPLACE TEMP MACRO {signature} AS {body}"


_ASKED_OF_CONSTANTS = ("narrow", "ascii")
"""What only error() may stop at: it alone waits until a CASE comes to it, also where all is constant."""


def _checked(name: str, pattern: str, complaint: str, *, blanks: bool) -> str:
    """Let a text pass that a pattern describes, and stop at any other."""
    ends = " AND NOT ends_with(x, ' ')" if blanks else ""
    passes = f"x IS NULL OR regexp_full_match(x, '{pattern}', 's'){ends}"
    stop = "error" if name in _ASKED_OF_CONSTANTS else "strata_complaint"
    complained = f"{stop}(concat('''', x, ''' {complaint}'))"
    return _macro(f"strata_{name}(x)", f"CASE WHEN {passes} THEN x ELSE {complained} END")


def _read(name: str, pattern: str, value: str, kind: str, *, empty: str = "") -> tuple[str, str]:
    """Return two macros that read text: one stops at what the pattern refuses, the other gives NULL."""
    blank = f"WHEN trim(x) = '' THEN {empty} " if empty else ""
    body = f"CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(trim(x), '{pattern}') THEN {value} {blank}ELSE"
    complaint = f"error(concat('''', x, ''' is not {kind}'))"
    return _macro(f"strata_{name}(x)", f"{body} {complaint} END"), _macro(f"strata_try_{name}(x)", f"{body} NULL END")


_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0?)?)?)?"
_LONG = "CASE WHEN length(trim(x)) = 16 THEN concat(trim(x), ':00') ELSE left(trim(x), 26) END"
_EMPTY = "WHEN trim(x) = '' THEN TIMESTAMP '1900-01-01' "
_NOT_ISO = "error(concat('''', x, ''' is no date of the form yyyy-mm-dd; others depend on the server''s language'))"
_CLOCK = "([0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.:][0-9]+)?)?( ?[AaPp][Mm])?|[0-9]{1,2} ?[AaPp][Mm])"
_COUNTS = "([0-9]{1,2}|[0-9]{4})"
_PARTS = rf"{_COUNTS}([-/., ]+{_COUNTS})?"
_NAMED = rf"({_PARTS}[-/., ]*)?\p{{L}}{{3,}}[.]?([-/., ]*{_PARTS})?"
_PARTED = "[0-9]{1,4} ?[-/.] ?[0-9]{1,2} ?[-/.] ?[0-9]{1,4}"
_A_DAY = rf"([0-9]{{4}}|[0-9]{{6}}|[0-9]{{8}}|{_PARTED}|{_NAMED})"
MAYBE_DATE = rf"({_A_DAY}[T ]*)?({_CLOCK}(Z| ?[-+][0-9]{{2}}:[0-9]{{2}})?)?|{_CLOCK} {_A_DAY}|[{{].*"
"""Text that SQL Server may read as a date in some language: numbers and names of months (any word) and a clock."""
_NOT_STYLE = "error(concat('''', x, ''' is no date in the style of this CONVERT'))"


def _otherwise(complaint: str, *, attempt: bool) -> str:
    """End a CASE: an attempt gives NULL only for what no rule of SQL Server reads as a date."""
    maybe = f"regexp_matches(x, '[0-9]') AND regexp_full_match(trim(x), '{MAYBE_DATE}')"
    unreadable = f"WHEN NOT ({maybe}) THEN NULL " if attempt else ""
    return f"{_EMPTY}{unreadable}ELSE {complaint} END"


def _moment(name: str, cast: str, parse: str) -> str:
    return _macro(
        f"{name}(x)",
        f"CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(trim(x), '{_ISO}') THEN {cast}({_LONG} AS TIMESTAMP) "
        f"WHEN regexp_full_match(trim(x), '[0-9]{{8}}') THEN {parse}(trim(x), '%Y%m%d') "
        + _otherwise(_NOT_ISO, attempt=cast != "CAST"),
    )


def _styled(name: str, parse: str) -> str:
    return _macro(
        f"{name}(x, pattern, form)",
        f"CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(trim(x), pattern) THEN {parse}(trim(x), form) "
        + _otherwise(_NOT_STYLE, attempt=parse != "strptime"),
    )


_NUMBER = "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)"
_UNSIGNED = "ltrim(trim(x), '+')"
_READERS = (
    *_read("whole", "[-+]?[0-9]+", _UNSIGNED, "a whole number", empty="'0'"),
    *_read("fraction", _NUMBER, _UNSIGNED, "a decimal number"),
    *_read("float", _NUMBER + "([eE][-+]?[0-9]+)?", _UNSIGNED, "a number", empty="'0'"),
    *_read(
        "amount",
        "[-+]?[$€£]?([0-9][0-9,]*[.]?[0-9]*|[.][0-9]+)",
        "regexp_replace(trim(x), '[$€£,+]', '', 'g')",
        "an amount of money",
        empty="'0'",
    ),
    *_read(
        "bit",
        "([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[-+]?[0-9]+)",
        "(lower(trim(x)) = 'true' OR regexp_matches(x, '[1-9]'))",
        "a bit",
        empty="false",
    ),
    _moment("strata_moment", "CAST", "strptime"),
    _moment("strata_try_moment", "TRY_CAST", "try_strptime"),
    _styled("strata_styled", "strptime"),
    _styled("strata_try_styled", "try_strptime"),
)
_CHECKS = (
    _checked(
        "equal", EQUAL_CLASS, "has a blank at its end, or a letter that SQL Server compares in its own way", blanks=True
    ),
    _checked(
        "constant", CONSTANT_CLASS, "has a blank at its end, or a character that SQL Server may ignore", blanks=True
    ),
    _checked("order", ORDER_CLASS, "has characters that SQL Server sorts in its own way", blanks=False),
    _checked("narrow", NARROW_CLASS, "has characters that varchar cannot hold", blanks=False),
    _checked("ascii", f"[{_ASCII}]*", "has letters that a class of LIKE takes by their sorting", blanks=False),
)

# strata_complaint is not volatile, as error() is: windows may be parted and ordered by what it checks.
# A datetime counts three-hundredths of a second and shows thousandths. 1899-12-31 was a Sunday.
_OTHERS = r"""
strata_complaint(said) AS CASE WHEN CAST(said AS BOOLEAN) THEN NULL END;
strata_stop(row_values, said) AS strata_complaint(concat(left(row_values, 0), said));
strata_datetime(t) AS
    date_trunc('second', t) + to_milliseconds(
        CAST(round(round((date_part('microsecond', t) % 1000000) * 3 / 10000.0) * 10 / 3.0) AS BIGINT));
strata_smalldatetime(t) AS date_trunc('minute', t + INTERVAL 30001 MILLISECONDS);
strata_places(t, unit) AS
    date_trunc('second', t) + to_microseconds(
        CAST(round((date_part('microsecond', t) % 1000000) / unit) AS BIGINT) * unit);
strata_ticks(t) AS
    CASE WHEN date_part('millisecond', t) % 10 = 0 THEN t WHEN t IS NULL THEN NULL
    ELSE error(concat(t, ' is a datetime whose thirds of a hundredth datetime2 would show')) END;
strata_day(n) AS TIMESTAMP '1900-01-01' + to_days(CAST(n AS INTEGER));
strata_at(t) AS DATE '1900-01-01' + t;
strata_twelve(t) AS concat(lpad(CAST((hour(t) + 11) % 12 + 1 AS VARCHAR), 2, ' '), strftime(t, ':%M%p'));
strata_decimals(t, n) AS left(concat(strftime(t, '%f'), '0'), n);
strata_unless_zero(f) AS CASE WHEN regexp_full_match(f, '0+') THEN '' ELSE '.' || f END;
strata_weeks(d) AS CAST(floor((CAST(d AS DATE) - DATE '1899-12-31') / 7.0) AS BIGINT);
strata_week(d) AS strata_weeks(d) - strata_weeks(date_trunc('year', d)) + 1;
strata_micros(n, places) AS n * CAST(pow(10, 6 - places) AS BIGINT);
strata_digits(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);
strata_nearest(x, unit) AS (x + sign(x) * (unit // 2)) // unit;
strata_over(n, d) AS CASE WHEN d = 0 THEN error('a division by zero') ELSE n / d END;
strata_upper(x) AS replace(upper(x), 'ẞ', 'ß');
strata_count(n) AS CASE WHEN n < 0 THEN error('a negative length of text') ELSE n END;
strata_substring(x, s, n) AS
    CASE WHEN n < 0 THEN error('a negative length of text') WHEN s < 1 THEN left(x, greatest(n + s - 1, 0))
    ELSE substr(x, s, n) END;
strata_charindex(n, h, s) AS
    CASE WHEN n IS NULL OR h IS NULL THEN NULL
    WHEN n = '' OR strpos(lower(substr(h, greatest(s, 1))), lower(n)) = 0 THEN 0
    ELSE strpos(lower(substr(h, greatest(s, 1))), lower(n)) + greatest(s, 1) - 1 END;
strata_replace(x, old, new) AS
    CASE WHEN old = '' THEN x
    ELSE regexp_replace(x, regexp_escape(old), replace(new, chr(92), concat(chr(92), chr(92))), 'gi') END;
strata_stuff(x, s, n, new) AS
    CASE WHEN s < 1 OR s > length(x) OR n < 0 THEN NULL WHEN x IS NULL OR s IS NULL OR n IS NULL THEN NULL
    ELSE concat(left(x, s - 1), new, substr(x, s + n)) END;
strata_replicate(x, n) AS CASE WHEN n < 0 THEN NULL ELSE repeat(x, n) END;
strata_patindex(x, p) AS
    CASE WHEN x IS NULL THEN NULL WHEN regexp_matches(x, p, 'is')
    THEN length(regexp_extract(x, concat('^(.*?)', p), 1, 'is')) + 1 ELSE 0 END;
strata_unicode(x) AS CASE WHEN x = '' THEN NULL ELSE unicode(x) END;
strata_str(x, n) AS CASE WHEN length(x) > n THEN repeat('*', n) ELSE lpad(x, n, ' ') END;
strata_zeros_of(t, n) AS CASE WHEN length(t) < n THEN lpad(t, n, '0') ELSE t END;
strata_zeros(t, n) AS
    CASE WHEN starts_with(t, '-') THEN concat('-', strata_zeros_of(ltrim(t, '-'), n))
    ELSE strata_zeros_of(t, n) END;
strata_dollars(t) AS CASE WHEN starts_with(t, '-') THEN concat('-$', ltrim(t, '-')) ELSE concat('$', t) END;
strata_step(a, b) AS CASE WHEN a > b THEN -1 ELSE 1 END;
strata_round(level, most) AS
    CASE WHEN level > most THEN error(concat('the maximum recursion ', most, ' has been exhausted'))
    ELSE level END;
strata_pattern(p) AS
    CASE WHEN contains(p, '[') OR ends_with(p, ' ')
    THEN error(concat('''', p, ''' is a pattern with a class or a blank at its end')) ELSE p END;
strata_fits(x, n) AS
    CASE WHEN x IS NULL OR length(x) <= n THEN x
    ELSE error(concat('''', x, ''' does not fit into ', n, ' characters')) END;
strata_stored(x, n, c) AS
    CASE WHEN length(rtrim(x)) > n THEN error(concat('''', x, ''' is longer than column ', c)) ELSE left(x, n) END;
strata_starred(x, n) AS CASE WHEN length(x) > n THEN '*' ELSE x END;
strata_grouped(t) AS
    concat(CASE WHEN starts_with(t, '-') THEN '-'
    ELSE '' END, format('{:,}', CAST(split_part(ltrim(t, '-'), '.', 1) AS BIGINT)), CASE WHEN contains(t, '.')
    THEN concat('.', split_part(t, '.', 2)) ELSE '' END);
strata_exact(x, y) AS
    CASE WHEN x = y OR x IS NULL THEN y ELSE error(concat(x, ' has more than the four decimals of money')) END;
"""

_NAME = re.compile(r"strata_\w+")
_DEFINED = (
    *_READERS,
    *_CHECKS,
    *(_macro(*item.strip().split(" AS", 1)) for item in _OTHERS.strip().removesuffix(";").split(";\n")),
)
_PLAIN = {_NAME.findall(text)[0]: text for text in _DEFINED}
_ERROR = re.compile(r"\berror\(")
_STEADY = "_steady"


def _volatile() -> set[str]:
    """Return the macros that call error(), or one that does."""
    found = {name for name, text in _PLAIN.items() if _ERROR.search(text)}
    while more := {name for name, text in _PLAIN.items() if found & set(_NAME.findall(text))} - found:
        found |= more
    return found


_VOLATILE = _volatile()


def steady(name: str) -> str:
    """Return the macro to call instead in the keys of a window, which DuckDB wants without anything volatile."""
    return f"{name}{_STEADY}" if name in _VOLATILE else name


def _steadied(text: str) -> str:
    """Stop by a cast, of a text that hangs on the arguments: DuckDB casts a constant even where no CASE comes to it."""
    arguments = text[text.index("(") + 1 : text.index(")")]
    return _NAME.sub(lambda match: steady(match[0]), _ERROR.sub(f"strata_stop(concat({arguments}), ", text))


MACROS: dict[str, str] = _PLAIN | {steady(name): _steadied(_PLAIN[name]) for name in sorted(_VOLATILE)}
"""Every macro by its name; making all of them takes longer than most scripts."""


def macros_for(sql: str, made: set[str]) -> Iterator[str]:
    """Yield what makes the macros that a statement calls and that are not ``made`` yet; notes them there."""
    for name in _NAME.findall(sql.lower()):
        if name in MACROS and name not in made:
            made.add(name)
            yield from macros_for(MACROS[name], made)
            yield MACROS[name]
