"""Salesforce: REST pages for small entities, Bulk API 2.0 for large ones."""
