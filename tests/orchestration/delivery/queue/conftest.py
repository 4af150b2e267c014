"""Queues to test with: on an SQLite file and on a real PostgreSQL, as the control plane's own tests have them."""

from __future__ import annotations

from ...control.conftest import control, make_control, owned_postgres

__all__ = ["control", "make_control", "owned_postgres"]
