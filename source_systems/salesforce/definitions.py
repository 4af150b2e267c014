"""The code location of the source system Salesforce."""

from orchestration.definitions import source_definitions

defs = source_definitions("salesforce")
