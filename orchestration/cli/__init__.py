"""``strata``: thin commands over the rooms of the engine; what they do, the Dagster jobs do by the same functions.

Each command is a module, imported when it is called: ``strata --help`` answers at
once and ``strata load`` never pays for Dagster, dbt or Great Expectations.
"""

from orchestration.cli.main import app, main

__all__ = ["app", "main"]
