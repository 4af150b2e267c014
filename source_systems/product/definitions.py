"""The code location of the source system Product database."""

from orchestration.definitions import source_definitions

defs = source_definitions("product")
