"""Delivers published data: registrations, the outbox, its queue, channels, dead letters and replay."""
