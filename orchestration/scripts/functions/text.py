"""Functions of text: positions count from 1, blanks at the end do not count in LEN, searching ignores case."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import Mode, is_plain, is_simple, key
from orchestration.scripts.functions.rule import Function, Rule, as_text, keeps_plain, planned
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.translation.nodes import cast, multiply, number, text
from orchestration.scripts.translation.patterns import position_pattern
from orchestration.scripts.types import BIGINT, INT, SqlType, varchar

_LONGEST = {True: 4000, False: 8000}


def _sized(kind: SqlType, length: int | None) -> SqlType:
    """Return text of a length; what is longer than a page of 8000 bytes is max."""
    most = _LONGEST[kind.is_national]
    return varchar(None if length is None else min(length, most), national=kind.is_national)


def _same(name: str) -> Rule:
    """Plan a function that gives text of its argument's type."""

    def rule(call: Call, _: Findings) -> Plan:
        kind = as_text(call, 0)
        keeps_plain(call, 0)
        return planned(call, _sized(kind, kind.length), lambda x: duckdb(name, x), kind)

    return rule


def _trim(name: str) -> Rule:
    """Plan LTRIM, RTRIM or TRIM: of blanks, or of characters that have no case."""

    def rule(call: Call, _: Findings) -> Plan:
        kind, characters = as_text(call, 0), call.constant(1)
        if len(call.arguments) > 1 and (characters is None or characters.lower() != characters.upper()):
            raise call.refused("which letters it takes away depends on the collation.", "Trim blanks or signs alone.")
        return planned(call, _sized(kind, kind.length), lambda x, *_: duckdb(name, x, text(characters or " ")), kind)

    return rule


def _len(call: Call, _: Findings) -> Plan:
    kind = as_text(call, 0)
    result = BIGINT if kind.length is None else INT
    return planned(call, result, lambda x: cast(duckdb("length", duckdb("rtrim", x, text(" "))), result.duckdb), kind)


def _datalength(call: Call, _: Findings) -> Plan:
    kind = call.kinds[0]
    if not kind.is_text or kind.length is None:
        raise call.refused(
            "how many bytes a value takes depends on how the server stores it.", "Use LEN(x), or CAST first."
        )
    if kind.is_national:
        return planned(call, INT, lambda x: cast(multiply(duckdb("length", x), number(2)), "INTEGER"), kind)
    return planned(call, INT, lambda x: cast(duckdb("length", duckdb("strata_narrow", x)), "INTEGER"), kind)


def _side(name: str) -> Rule:
    """Plan LEFT or RIGHT; a negative number of characters is an error."""

    def rule(call: Call, _: Findings) -> Plan:
        kind, length = as_text(call, 0), call.constant(1)
        keeps_plain(call, 0)
        if length is not None and length.isdigit():
            return planned(call, _sized(kind, int(length)), lambda x, n: duckdb(name, x, n), kind, INT)
        return planned(
            call, _sized(kind, kind.length), lambda x, n: duckdb(name, x, duckdb("strata_count", n)), kind, INT
        )

    return rule


def _substring(call: Call, _: Findings) -> Plan:
    kind, length = as_text(call, 0), call.constant(2)
    size = int(length) if length is not None and length.isdigit() else kind.length
    keeps_plain(call, 0)
    return planned(call, _sized(kind, size), lambda x, s, n: duckdb("strata_substring", x, s, n), kind, INT, INT)


def _charindex(call: Call, found: Findings) -> Plan:
    kinds = [as_text(call, 0), as_text(call, 1)]
    checks = _searchable(call, found, (0, 1))
    result = BIGINT if kinds[1].length is None else INT

    def build(needle: exp.Expr, hay: exp.Expr, start: exp.Expr | None = None) -> exp.Expr:
        place = duckdb("strata_charindex", checks[0](needle), checks[1](hay), start or number(1))
        return cast(place, result.duckdb)

    return planned(call, result, build, *kinds, INT)


def _searchable(call: Call, found: Findings, indexes: tuple[int, ...]) -> list[Callable[[exp.Expr], exp.Expr]]:
    """Check texts that are searched without case; constants of plain ASCII need none."""
    checks: list[Callable[[exp.Expr], exp.Expr]] = []
    mode: Mode = "constant" if any(is_simple(call.constant(index)) for index in indexes) else "equal"
    for index in indexes:
        value = call.constant(index)
        if value is not None and not is_plain(value.rstrip(" ")):
            why = "SQL Server compares some of these characters in its own way."
            raise call.refused(why, "Search for plain letters, digits and signs.")
        plain = value is not None or not call.kinds[index].is_text
        checks.append((lambda x: x) if plain else key(call.arguments[index], call.kinds[index], found, mode))
    return checks


def _replace(call: Call, found: Findings) -> Plan:
    """REPLACE looks for its text without case."""
    kinds = [as_text(call, index) for index in range(3)]
    national = any(kind.is_national for kind in kinds)
    result = varchar(None if kinds[0].length is None else _LONGEST[national], national=national)
    checks = _searchable(call, found, (0, 1))
    return planned(
        call, result, lambda x, old, new: duckdb("strata_replace", checks[0](x), checks[1](old), new), *kinds
    )


def _stuff(call: Call, _: Findings) -> Plan:
    kind, new = as_text(call, 0), as_text(call, 3)
    length = None if kind.length is None or new.length is None else kind.length + new.length
    return planned(call, _sized(kind, length), lambda *x: duckdb("strata_stuff", *x), kind, INT, INT, new)


def _replicate(call: Call, _: Findings) -> Plan:
    kind, keep = as_text(call, 0), _LONGEST
    keeps_plain(call, 0)
    if kind.length is None:
        return planned(call, kind, lambda x, n: duckdb("strata_replicate", x, n), kind, INT)
    most = keep[kind.is_national]
    return planned(
        call, _sized(kind, most), lambda x, n: duckdb("left", duckdb("strata_replicate", x, n), number(most)), kind, INT
    )


def _space(call: Call, _: Findings) -> Plan:
    return planned(call, varchar(8000), lambda n: duckdb("strata_replicate", text(" "), n), INT)


def _joined(call: Call, first: int) -> tuple[SqlType, list[SqlType]]:
    """Return the type of several values written one after another, and each one's own text."""
    kinds = [_spelled(call, index) for index in range(first, len(call.arguments))]
    national = any(kind.is_national for kind in kinds)
    known = [kind.length for kind in kinds if kind.length is not None]
    longest = None if len(known) < len(kinds) else min(sum(known), _LONGEST[national])
    keeps_plain(call, *range(len(call.arguments)))
    return varchar(longest, national=national), kinds


def _spelled(call: Call, index: int) -> SqlType:
    kind = call.kinds[index]
    return kind if kind.is_text else varchar(1 if kind.name in ("null", "bit") else 41)


def _concat(call: Call, _: Findings) -> Plan:
    """CONCAT writes NULL as nothing."""
    result, kinds = _joined(call, 0)
    return planned(call, result, lambda *x: duckdb("concat", *x), *kinds)


def _concat_ws(call: Call, _: Findings) -> Plan:
    separator = as_text(call, 0)
    result, kinds = _joined(call, 1)
    room = None if result.length is None or separator.length is None else result.length + separator.length * len(kinds)
    return planned(
        call, _sized(result, room),
        lambda sep, *x: duckdb("concat_ws", duckdb("coalesce", sep, text("")), *x), separator, *kinds,
    )  # fmt: skip


def _patindex(call: Call, found: Findings) -> Plan:
    pattern, kind = call.constant(0), as_text(call, 1)
    if pattern is None:
        raise call.refused("the pattern has to be written out.", "Write it as a constant, or use CHARINDEX.")
    regex, ascii_only = position_pattern(pattern)
    check = _searchable(call, found, (1,))[0]
    result = BIGINT if kind.length is None else INT

    def build(_: exp.Expr, x: exp.Expr) -> exp.Expr:
        value = duckdb("strata_ascii", check(x)) if ascii_only else check(x)
        return cast(duckdb("strata_patindex", value, text(regex)), result.duckdb)

    return planned(call, result, build, None, kind)


def _char(call: Call, _: Findings) -> Plan:
    code = call.constant(0)
    if code is None or not code.isdigit() or int(code) > 127:
        raise call.refused("the code has to be written out, and be ASCII.", "Write the character itself: N'…'.")
    return Plan(SqlType("char", length=1), lambda _: duckdb("chr", number(int(code))))


def _unicode(call: Call, _: Findings) -> Plan:
    return planned(call, INT, lambda x: duckdb("strata_unicode", x), as_text(call, 0))


def _str(call: Call, _: Findings) -> Plan:
    """STR goes by way of a float: only whole numbers and decimals that keep their places are exact."""
    kind, length, places = call.kinds[0], call.constant(1) or "10", call.constant(2) or "0"
    exact = (
        kind.is_exact and length.isdigit() and places.isdigit() and kind.scale <= int(places) and kind.precision <= 15
    )
    if not exact or kind.is_money:
        raise call.refused("it rounds by way of a float.", "CAST the number AS decimal(p,s), and that AS varchar(n).")
    shape = f"DECIMAL(38,{places})"
    return planned(
        call,
        varchar(int(length)),
        lambda x, *_: duckdb("strata_str", cast(cast(x, shape), "VARCHAR"), number(int(length))),
    )


TEXTS: dict[str, Function] = {
    "LEN": Function.of(_len, 1),
    "DATALENGTH": Function.of(_datalength, 1),
    "LEFT": Function.of(_side("left"), 2),
    "RIGHT": Function.of(_side("right"), 2),
    "SUBSTRING": Function.of(_substring, 3),
    "CHARINDEX": Function.of(_charindex, 2, 3),
    "PATINDEX": Function.of(_patindex, 2),
    "REPLACE": Function.of(_replace, 3),
    "STUFF": Function.of(_stuff, 4),
    "UPPER": Function.of(_same("strata_upper"), 1),
    "LOWER": Function.of(_same("lower"), 1),
    "REVERSE": Function.of(_same("reverse"), 1),
    "LTRIM": Function.of(_trim("ltrim"), 1, 2),
    "RTRIM": Function.of(_trim("rtrim"), 1, 2),
    "TRIM": Function.of(_trim("trim"), 1, 2),
    "REPLICATE": Function.of(_replicate, 2),
    "SPACE": Function.of(_space, 1),
    "CONCAT": Function(_concat, 2, None),
    "CONCAT_WS": Function(_concat_ws, 3, None),
    "CHAR": Function.of(_char, 1),
    "UNICODE": Function.of(_unicode, 1),
    "STR": Function.of(_str, 1, 3),
}
