"""How the access room says no.

What belongs to somebody else and what does not exist get the same answer, word for
word: a difference would tell that it exists.
"""

from __future__ import annotations

from orchestration.failures import StrataError
from orchestration.names import Table


class NotFound(StrataError):
    """There is no such thing for whoever asks."""


class Forbidden(StrataError):
    """The tenant is the principal's own, but this is more than it may do."""


class Suspended(StrataError):
    """The tenant is suspended: nothing is read for it until it is resumed."""


class Unanswerable(StrataError):
    """A comparison, an order or a statement that cannot be answered as it is written."""


def no_tenant(tenant: str) -> NotFound:
    """Return the answer for a tenant that is unknown, removed or somebody else's."""
    return NotFound(f"There is no tenant {tenant!r}.", "Check the name and whose key this is.")


def no_table(table: Table) -> NotFound:
    """Return the answer for a table that is unknown, or that this principal has no part in."""
    return NotFound(f"There is no table {'.'.join(table)}.", "See the tables there are: strata read --tenant NAME.")
