"""Where windows and results lie, read and written. No path in them is spelt anywhere else."""
