"""The networks, how one is configured, and what it costs. Knows nothing of Ray or of data."""
