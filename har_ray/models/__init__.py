"""The networks, what a variant is made of, and what a model costs. Knows nothing of Ray or of data."""
