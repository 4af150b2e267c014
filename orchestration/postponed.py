"""Postpones a module that a library imports and we may never need, until something of it is used.

The standard library's ``LazyLoader`` does not help: in Python 3.11 the library's own ``import`` ends the wait.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


@contextmanager
def postponed(name: str) -> Iterator[None]:
    """Let ``import package.module`` cost nothing within the block, unless somebody has imported it already.

    Who imported it there gets the module by its first use; who imports it later gets it at once. Use it where a
    module is imported, which Python does once: two threads in such blocks would take each other's stand-in away.
    """
    if name in sys.modules:
        yield
        return
    stand_in, (package, _, module) = ModuleType(name), name.rpartition(".")

    def end() -> None:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]

    def use(attribute: str) -> object:
        end()
        return getattr(import_module(name), attribute)

    vars(stand_in)["__getattr__"] = use  # PEP 562, of a module that has no file
    sys.modules[name] = stand_in
    setattr(import_module(package), module, stand_in)
    try:
        yield
    finally:
        end()
