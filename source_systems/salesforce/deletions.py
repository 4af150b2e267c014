"""The deleted feed (``getDeleted``): ids of records that are gone, purged ones too, some days back.

The feed reaches 15 days back, forgets a big delete sooner (then ``earliestDateAvailable``
is later than the start) and refuses an answer of more than 600,000 ids. Where it cannot
tell, coverage ends *before* the hole: the keys that are known are handed over all the
same, ``covered_until`` stays where certainty ends, and the daily load, which compares
everything, mends the rest. An hourly load therefore never fails for the feed's limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import requests

from orchestration.arrow_values import text_array
from source_systems.salesforce.org import Org
from source_systems.salesforce.refusals import Broken, Refused
from source_systems.salesforce.soql import instant

REACH = timedelta(days=15)
_MINUTE = timedelta(minutes=1)
# The feed ignores seconds and wants start and end more than one minute apart.
_SHORTEST = timedelta(minutes=2)


class _Record(msgspec.Struct):
    id: str


class _Reply(msgspec.Struct, rename="camel"):
    deleted_records: list[_Record]
    earliest_date_available: str
    latest_date_covered: str


@dataclass(frozen=True)
class Answer:
    """What the feed said of one stretch of time; ``covered_until`` before ``end`` means that it does not know all."""

    ids: pa.Array
    end: datetime
    covered_until: datetime


@dataclass(frozen=True)
class _Stretch:
    """One request; ``is_first_ever`` when nobody relies on what was before."""

    sobject: str
    start: datetime
    end: datetime
    is_first_ever: bool

    def halves(self) -> tuple[_Stretch, _Stretch] | None:
        """Return the stretch in two, or nothing when it cannot be divided further."""
        middle = _minute(self.start + (self.end - self.start) / 2)
        if middle - self.start < _SHORTEST:
            return None
        first = _Stretch(self.sobject, self.start, middle, self.is_first_ever)
        return first, _Stretch(self.sobject, middle, self.end, self.is_first_ever)


_decoder = msgspec.json.Decoder(_Reply)


def read_feed(org: Org, sobject: str, since: datetime | None, until: datetime) -> tuple[list[pa.Array], datetime]:
    """Return the ids deleted from ``since`` (``None``: as far back as the feed reaches) to ``until``.

    The second value says until when no deletion is missing: at most ``until``, and
    at most ``since`` when the feed begins later than that.
    """
    floor = _minute(until - REACH) + _MINUTE
    start = max(_minute(since), floor) if since else floor
    end = max(_minute(until) + _MINUTE, start + _SHORTEST)
    answers = list(_ask(org, _Stretch(sobject, start, end, is_first_ever=since is None)))
    covered = min(_covered_until(answers), until)
    is_too_old = since is not None and since < floor
    return [answer.ids for answer in answers], min(since, covered) if since and is_too_old else covered


def _ask(org: Org, stretch: _Stretch) -> Iterator[Answer]:
    """Ask for a stretch, in halves where it holds too many ids; one too full at its shortest is a hole."""
    try:
        yield _answer(org, stretch)
    except Refused as error:
        if error.code != "EXCEEDED_ID_LIMIT":
            raise
        halves = stretch.halves()
        if halves is None:
            yield Answer(text_array([]), stretch.end, stretch.start)
            return
        for half in halves:
            yield from _ask(org, half)


def _answer(org: Org, stretch: _Stretch) -> Answer:
    params = {"start": instant(stretch.start), "end": instant(stretch.end)}
    reply = org.get(f"sobjects/{stretch.sobject}/deleted/", _read, params)
    ids = text_array([record.id for record in reply.deleted_records])
    # Python reads the colonless offset of 2026-10-22T21:03:23.000+0000 since 3.11.
    is_hole = datetime.fromisoformat(reply.earliest_date_available) > stretch.start and not stretch.is_first_ever
    covered = stretch.start if is_hole else datetime.fromisoformat(reply.latest_date_covered).astimezone(UTC)
    return Answer(ids, stretch.end, covered)


def _read(reply: requests.Response) -> _Reply:
    try:
        return _decoder.decode(reply.content)
    except msgspec.DecodeError:
        msg = "the deleted feed's answer is cut off or malformed"
        raise Broken(msg) from None


def _covered_until(answers: list[Answer]) -> datetime:
    """Return the end of what is covered without a gap; answers follow each other in time."""
    for answer in answers:
        if answer.covered_until < answer.end:
            return answer.covered_until
    return answers[-1].covered_until


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
