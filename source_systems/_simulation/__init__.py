"""The one simulated company that every simulator serves, so that keys match across systems.

A simulator needs :class:`World` and :class:`Change` only::

    world = World("acme", seed=7, size=120)
    for change in world.initial("salesforce"): ...   # the state on the first day
    for change in world.day(1, "salesforce"): ...    # what happens on the first business day after it

Everything is a function of (tenant, seed, size, day): two simulators in two
processes tell the same story without talking to each other. Rows are made one
customer at a time, so a world of millions of rows is streamed, not held.
Ids start at the same numbers for every tenant, with other content behind them:
if two tenants are ever mixed, it shows.
"""

from source_systems._simulation.business_days import START, date_of
from source_systems._simulation.change import COMPOSITE_KEYS, Change, Row, System
from source_systems._simulation.world import World

__all__ = ["COMPOSITE_KEYS", "START", "Change", "Row", "System", "World", "date_of"]
