"""Everything that imports Dagster: what turns sources, models and scripts into assets, jobs and schedules.

``source_definitions`` is all that a source's ``definitions.py`` needs; the module
``warehouse`` is the code location of what comes after bronze. Nothing is read from
disk until a location asks for its definitions.
"""

from orchestration.definitions.component import StrataSourceComponent
from orchestration.definitions.source import source_definitions

__all__ = ["StrataSourceComponent", "source_definitions"]
