"""The steps that made the control plane's schema; Alembic runs them."""
