"""The factory as a Dagster component, for a project that keeps its definitions in ``defs.yaml`` files.

A file with these two lines is a source's whole code location::

    type: orchestration.definitions.StrataSourceComponent
    attributes: {source: salesforce}
"""

from __future__ import annotations

import dagster as dg

from orchestration.definitions.source import source_definitions


class StrataSourceComponent(dg.Component, dg.Model, dg.Resolvable):
    """A source system: its assets, jobs and schedules, made from ``source_systems/<source>``."""

    source: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the interface's
        """Return what the source's ``definitions.py`` returns."""
        return source_definitions(self.source)
