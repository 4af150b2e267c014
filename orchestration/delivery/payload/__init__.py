"""What a delivery carries: rows of published versions and events, in the registration's format."""
