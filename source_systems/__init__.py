"""Source systems: one package, one Dagster code location and one folder of contracts each."""
