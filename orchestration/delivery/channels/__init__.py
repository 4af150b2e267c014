"""The ways out: each channel is a module of its own behind the one protocol of ``channel``."""
