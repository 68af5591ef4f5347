"""What YAML may say: a grid, the datasets in it. Everything is checked before anything starts."""
