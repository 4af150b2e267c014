"""A source system of text files, for tests."""
