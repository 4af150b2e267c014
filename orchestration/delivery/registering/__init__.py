"""From a consumer's words to a registration: read, checked against what there is, and tried by a real delivery."""
