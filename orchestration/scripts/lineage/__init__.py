"""Lineage: which script reads and writes which table, and of which columns each column is made, down to bronze."""

from orchestration.scripts.lineage.edges import Lineage, edges, lineage, lineages

__all__ = ["Lineage", "edges", "lineage", "lineages"]
