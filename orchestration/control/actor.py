"""Who is acting: the name that changes are recorded under."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LENGTH = 128
"""Longer names are cut: the column holds no more."""

_acting: ContextVar[str] = ContextVar("acting", default="")


def current_actor() -> str:
    """Return who acts now: what :func:`acting_as` says, else ``user@host``."""
    return _acting.get() or f"{_user()}@{socket.gethostname()}"[:LENGTH]


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Act as somebody for a block, such as ``dagster run <id>``."""
    token = _acting.set(actor[:LENGTH])
    try:
        yield
    finally:
        _acting.reset(token)


def _user() -> str:
    """Return the user's name; in a container there may be a number alone."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"
