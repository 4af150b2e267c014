"""The one simulated company that every simulator serves, so that keys match across systems."""
