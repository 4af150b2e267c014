"""The code location of the source system Accounting."""

from orchestration.definitions import source_definitions

defs = source_definitions("accounting")
