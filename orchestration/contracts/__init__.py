"""What sources promise: contracts, source descriptions, and how an extractor hands over what it read."""
