"""ADBC's DB API, imported without what it needs to write tables: that would import pandas, 0.25 CPU s and 40 MB."""

from __future__ import annotations

from orchestration.postponed import postponed

with postponed("pyarrow.dataset"):
    from adbc_driver_postgresql import dbapi

__all__ = ["dbapi"]
