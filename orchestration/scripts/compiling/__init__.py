"""Turns parsed statements into typed actions: one module for each family of statements."""
