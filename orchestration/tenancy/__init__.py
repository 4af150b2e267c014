"""The life of a tenant: on board by one command, suspended, exported, removed without a trace; one person erased."""
