"""The product database: PostgreSQL, read as Arrow."""
