"""From what was published to what is to be delivered: logs are read by cursor, windows gather, lanes keep order."""
