"""T-SQL's functions: for each name the type of its result and what it is in DuckDB.

A function is one rule in a table of its area. The rule sees the arguments' types and
either plans the call or refuses it with what to write instead; what no table names is
refused by name.
"""
