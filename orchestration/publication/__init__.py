"""What other processes read: immutable versions of tables, a pointer to the newest, and the platform's status."""
