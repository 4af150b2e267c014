"""The code location of everything after bronze: silver and gold by dbt, the gates, publication, financial gold.

One project that does not parse, or one script, stops nothing else: the last good
manifest stands in, the script's asset fails with its problem, and the location says so.
"""

from orchestration.definitions.transform.location import warehouse_definitions

defs = warehouse_definitions()
