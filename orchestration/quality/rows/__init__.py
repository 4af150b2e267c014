"""The row gate's parts: how values arrive, how they become the contract's types, and what may be wrong with them."""
