"""Erases one person of a tenant: everywhere, by key or by a value that only they have, and for good."""
