"""One file for each network, under its registered name."""
