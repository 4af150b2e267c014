"""What a script's variables are called in DuckDB."""

from __future__ import annotations


def variable(name: str) -> str:
    """Return the DuckDB variable behind ``@name``, whose name comes without the ``@``; DuckDB reserves bare ASOF."""
    return f"v_{name.lower()}"
