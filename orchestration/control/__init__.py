"""The control plane: tenants, plans, connections, principals, keys and audit, in a database of their own.

SQLite in WAL mode where nothing else is said, PostgreSQL or SQL Server in production.
Importing this loads SQLAlchemy; who only may need it imports it where it is used.
"""

from orchestration.control.database import Control, open_control

__all__ = ["Control", "open_control"]
