"""The engine: what landed becomes bronze, one transaction a load, with a ledger in which every row is accounted for."""
