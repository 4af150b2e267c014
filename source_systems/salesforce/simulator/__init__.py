"""A stand-in for Salesforce: one server for many orgs, with the real protocols, limits and error bodies.

The functions here are what ``orchestration.simulators`` asks of a simulator. The
server is a process of its own (``server.py``); an org is a SQLite file beside it,
which :func:`bring_to` writes directly and the server reads, so that state survives
restarts and millions of rows need no memory.
"""

from source_systems.salesforce.simulator.life import Address, is_running, settings_for, start, stop
from source_systems.salesforce.simulator.world import bring_to, has_data, remove

__all__ = ["Address", "bring_to", "has_data", "is_running", "remove", "settings_for", "start", "stop"]
