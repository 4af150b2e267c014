"""The engine of Strata: everything between a source system and its consumers.

Only ``orchestration.definitions`` imports Dagster, so that loading, gates and
publication can be tested, profiled and reused without an orchestrator.
"""
