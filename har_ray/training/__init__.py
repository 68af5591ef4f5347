"""Training one cell: losses, the loop, teacher targets, and the Ray Train workers that may run it."""
