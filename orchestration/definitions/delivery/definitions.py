"""The code location of deliveries."""

from orchestration.definitions.delivery.location import delivery_definitions

defs = delivery_definitions()
