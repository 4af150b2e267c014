"""Backup and restore: warehouse, control plane, published versions and the list of landing, as one set."""
