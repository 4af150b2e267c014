"""The steps that made the control plane's schema; Alembic runs them.

A step that reads or changes rows on PostgreSQL takes the role ``strata_operator``
for that (``SET LOCAL ROLE``), because the owner of the tables sees none of them.
On SQLite a table with triggers is changed without Alembic's batch mode, which would
lose them.
"""
