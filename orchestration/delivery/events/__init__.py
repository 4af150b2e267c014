"""The events that a consumer can register for, and the envelope that they come in."""
